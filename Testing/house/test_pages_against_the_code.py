"""The pages of ``Docs`` say what the code says: constants, commands, options, files, fields, published figures."""

from __future__ import annotations

import ast
import importlib
import re
import types
import typing

import pytest
import typer
from pydantic import BaseModel

from MSSoftSegLib import errors
from MSSoftSegLib.cli.main import app
from MSSoftSegLib.errors import MSSoftSegError, RequestError
from MSSoftSegLib.evaluation.case_metrics import MEASURES
from MSSoftSegLib.evaluation.isbi import isbi_equivalent, isbi_s
from MSSoftSegLib.jobs.run import parse_job
from MSSoftSegLib.library.case_record import STATUSES, CaseRecord
from MSSoftSegLib.network.description import ModelDescription
from MSSoftSegLib.report.lesion_table import COLUMNS
from MSSoftSegLib.report.result import Result
from MSSoftSegLib.study.claims import CLAIMS
from MSSoftSegLib.study.published import PUBLISHED
from Testing.house.documents import numbered_sections
from Testing.house.pages import after, code_names, page, rows, section


def constants():
    for number, text in numbered_sections(page("methods.md")).items():
        for cells in rows(text):
            if cells[0].startswith("`MSSoftSegLib.") and len(cells) == 2:
                yield pytest.param(cells[0].strip("`"), cells[1], id=f"{number} {cells[0].split('.')[-1]}")


@pytest.mark.parametrize(("name", "value"), [*constants()])
def test_a_constant_of_the_methods_is_that_of_the_code(name, value):
    module, _, attribute = name.rpartition(".")
    assert getattr(importlib.import_module(module), attribute) == ast.literal_eval(value)


def commands(group=None, name=()):
    """Every command of the command line with its options."""
    command = group or typer.main.get_command(app)
    if not hasattr(command, "commands"):
        options = [each for each in command.params if each.param_type_name == "option"]
        yield " ".join(name), {"/".join((*each.opts, *each.secondary_opts)) for each in options}
        return
    for word, each in command.commands.items():
        yield from commands(each, (*name, word))


def test_the_contract_names_every_command_with_every_option_and_no_other():
    said = {}
    for command, options in rows(section("contract.md", 1)):
        said[code_names(command)[0]] = {each for each in code_names(options) if each.startswith("--")}
    assert said == dict(commands())


def all_errors(kind=MSSoftSegError):
    yield kind
    for each in kind.__subclasses__():
        yield from all_errors(each)


def test_the_contract_names_every_error_code_with_its_exit_code():
    said = {code_names(cells[0])[0]: int(cells[1]) for cells in rows(section("contract.md", 2))}
    ours = [each for each in all_errors() if each.__module__ == errors.__name__]
    assert said == {each.code: each.exit_code for each in ours}


def test_the_contract_names_every_kind_of_job():
    said = {code_names(cells[0])[0] for cells in rows(section("contract.md", 3).split("Kinds:")[1])}
    with pytest.raises(RequestError) as unknown:
        parse_job({"job": "1", "kind": "no such kind", "spec": {}})
    assert said == set(re.findall(r"'([a-z-]+)'", unknown.value.message)) - {"kind"}


def fields(model: type[BaseModel], before: str = "", *, depth: int = 9):
    """Names of a schema's fields, nested ones dotted, those of a list's entries after []."""
    for name, field in model.model_fields.items():
        inner, mark = nested(field.annotation)
        if inner is not None and depth:
            yield from fields(inner, f"{before}{name}{mark}.")
        else:
            yield before + name


def nested(annotation: object) -> tuple[type[BaseModel] | None, str]:
    if isinstance(annotation, types.UnionType) and type(None) in typing.get_args(annotation):
        # What may be null is described as what it is when it is there.
        annotation = typing.get_args(annotation)[0]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    if typing.get_origin(annotation) is tuple:
        inner = typing.get_args(annotation)[0]
        return (inner, "[]") if isinstance(inner, type) and issubclass(inner, BaseModel) else (None, "")
    return None, ""


def test_the_contract_names_every_field_of_a_result():
    text = section("contract.md", 4)
    said = [name for cells in rows(text.split("Fields of `result.json`")[1]) for name in code_names(cells[0])]
    assert sorted(said) == sorted(fields(Result))
    assert code_names(after(text, "Columns of `lesions.csv`")) == list(COLUMNS)


def test_the_contract_names_every_column_of_an_evaluation():
    assert code_names(after(section("contract.md", 5), "Columns:")) == ["case", *MEASURES, "patient", "raters"]


def test_the_contract_names_every_field_of_a_model():
    said = [name for cells in rows(section("contract.md", 6)) for name in code_names(cells[0])]
    assert sorted(said) == sorted(fields(ModelDescription))


def test_the_contract_names_statuses_and_fields_of_a_case():
    text = section("contract.md", 7)
    assert code_names(after(text, "Statuses:").split("Fields")[0]) == list(STATUSES)
    said = code_names(after(text, "Fields of a case record").split(", and")[0])
    assert said == list(CaseRecord.model_fields)


def numbers(cells):
    return [float(cell) for cell in cells]


def test_the_published_figures_are_those_that_the_study_prints():
    said = {}
    for number in (1, 3, 4):
        for cells in rows(section("published.md", number)):
            if cells[0].startswith("`"):
                said[cells[0].strip("`")] = numbers(cells[2:])
    printed = {}
    for row in PUBLISHED:
        measures = (row.dsc, row.ppv, row.tpr)
        printed[row.arm] = [value for pair in measures if pair is not None for value in pair if value is not None]
    assert {arm: pytest.approx(values) for arm, values in printed.items()} == said


def test_the_challenge_scores_are_fitted_as_well_as_the_page_says():
    table = [cells for cells in rows(section("published.md", 4)) if len(cells) == 7]
    assert len(table) == 12
    for method, *cells in table:
        score, dsc, ppv, lfpr, ltpr, vc = numbers(cells)
        fitted = isbi_equivalent([isbi_s(dsc=dsc, ppv=ppv, lfpr=lfpr, ltpr=ltpr, vc=vc)])
        assert fitted == pytest.approx(score, abs=0.0835), method


def test_the_claims_are_those_that_the_study_tests():
    said = [cells[0] for cells in rows(section("published.md", 6))]
    assert said == [f"C{number}" for number in CLAIMS]
