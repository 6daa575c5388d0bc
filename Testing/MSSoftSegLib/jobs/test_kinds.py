"""Kinds of jobs: every document has its runner, every runner its document, and what is sent stays what it was."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from MSSoftSegLib.jobs.documents.job import Job
from MSSoftSegLib.jobs.kinds import FAMILIES, find_job_kinds
from MSSoftSegLib.jobs.run import parse_job, run
from Testing.MSSoftSegLib.jobs.wire_format import FILE, wire_format
from Testing.patience import HANGING_S

KINDS = find_job_kinds()
ROOM = Path(__file__).resolve().parents[3] / "MSSoftSegLib" / "jobs"
KNOWN = json.loads(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_runs_a_kind_is_a_function_of_its_family_with_a_runner_s_arguments(kind):
    source = Path(find_spec(kind.module).origin)
    functions = {node.name: node for node in ast.parse(source.read_text()).body if isinstance(node, ast.FunctionDef)}
    runner = functions[kind.function]
    assert [argument.arg for argument in runner.args.args] == ["job", "emit", "cancelled"]
    assert ast.unparse(runner.args.args[0].annotation) == kind.document.__name__


def test_no_document_of_a_job_is_without_its_family_and_no_family_without_its_folder():
    def declared(cls):
        return {cls} | {below for each in cls.__subclasses__() for below in declared(each)}

    documents = {cls for cls in declared(Job) if "[" not in cls.__name__ and cls is not Job}
    assert documents == {kind.document for kind in KINDS.values()}
    folders = {folder.parent.name for folder in ROOM.glob("*/__init__.py")}
    assert folders == {*FAMILIES, "documents"}


GENERAL = [ROOM / name for name in ("run.py", "kinds.py", "events.py", "worker.py", "documents/detach.py")]
GENERAL += sorted((ROOM / "detached").glob("*.py"))


@pytest.mark.parametrize("path", GENERAL, ids=lambda path: path.name)
def test_general_code_knows_no_kind_by_name(path):
    words = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
    # Families are folders, of which kinds.py has the list; a detach job is the detached room's own.
    families = set(FAMILIES) if path.name == "kinds.py" else set()
    assert not words & (set(KINDS) - families - {"detach"})


def test_long_kinds_are_those_that_their_families_declare_and_each_says_how_it_goes_on():
    assert [name for name, kind in KINDS.items() if kind.is_long] == ["study", "train"]
    for kind in KINDS.values():
        if kind.is_long:
            module, function = kind.resuming.rsplit(".", 1)
            names = [
                node.name
                for node in ast.parse(Path(find_spec(module).origin).read_text()).body
                if hasattr(node, "name")
            ]
            assert function in names


@pytest.mark.parametrize("kind", ["segment", "dance"])
def test_only_a_long_job_can_be_detached(kind):
    events = []
    outcome = run(parse_job({"job": "1", "kind": "detach", "spec": {"kind": kind, "spec": {}}}), events.append)
    assert outcome.error.code == "bad-request"
    assert outcome.error.message == f"a job of kind {kind} cannot be detached"
    assert "study, train" in outcome.error.remedy


def test_all_documents_are_read_without_torch_and_without_any_runner():
    code = (
        "import sys; from MSSoftSegLib.jobs.run import parse_job; from MSSoftSegLib.jobs.kinds import find_job_kinds\n"
        "parse_job({'job': '1', 'kind': 'study', 'spec': {'out': 'x'}})\n"
        "loaded = {'torch', *(kind.module for kind in find_job_kinds().values())} & set(sys.modules)\n"
        "sys.exit(str(sorted(loaded)) if loaded else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=HANGING_S)


def test_a_kind_need_not_be_repeated_where_its_document_is_made_in_code():
    for kind in KINDS.values():
        assert kind.document.model_fields["kind"].default == kind.name


def test_a_kind_that_nobody_runs_is_refused_with_those_that_there_are():
    with pytest.raises(Exception, match=r"'compare', 'compare-models'.*'train', 'train-preflight'"):
        parse_job({"job": "1", "kind": "dance", "spec": {}})


@pytest.mark.parametrize("kind", KNOWN)
def test_a_document_that_was_accepted_is_accepted_still(kind):
    now = wire_format()[kind]
    before = KNOWN[kind]
    for name, part in {"": before, **before["$defs"]}.items():
        same = now if name == "" else now["$defs"][name]
        assert same.get("required") == part.get("required"), name
        for field, schema in part.get("properties", {}).items():
            assert same["properties"][field] == schema, f"{kind}: {name}.{field}"
        if "properties" not in part:
            assert same == part, name


def test_what_is_accepted_is_written_down():
    assert wire_format() == KNOWN, "run python -m Testing.MSSoftSegLib.jobs.wire_format and read the difference"
