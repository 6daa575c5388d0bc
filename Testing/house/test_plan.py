"""The plan on the wall is the house: the picture, the table of where is what, and the lists of what to touch."""

from __future__ import annotations

import ast
import importlib
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import get_args

import pytest

from MSSoftSegLib.jobs.documents.library.export import EXPORT_FORMATS
from MSSoftSegLib.preprocessing.pipeline import STAGES
from MSSoftSegLib.training import losses
from MSSoftSegLib.training.losses.weighted_sum import OF_PROBABILITY
from MSSoftSegLib.training.recipe import LossName
from Testing.house.floors import BACKEND, floors, shortest
from Testing.house.pages import code_names, page, rows, section
from Testing.house.picture import picture_findings
from Testing.house.plan import PANEL
from Testing.house.text_files import ROOT

PACKAGES = (ROOT / "MSSoftSegLib", ROOT / "MSSoftSeg" / "MSSoftSegGUI")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def defined_names(path: Path) -> set[str]:
    """Functions, classes, their methods, and what is assigned in a module."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def places():
    for question, file, name in rows(section("architecture.md", 5)):
        yield pytest.param(code_names(file)[0], code_names(name)[0], id=question.replace("`", ""))


@pytest.mark.parametrize(("file", "name"), [*places()])
def test_the_first_file_that_a_stranger_opens_is_the_right_one(file, name):
    assert name in defined_names(ROOT / file)


def homes():
    for rule, _, file, name in rows(section("house.md", 2)):
        yield pytest.param(code_names(file)[0], code_names(name)[0], id=rule)
    for question, file, name in rows(section("house.md", 3)):
        yield pytest.param(code_names(file)[0], code_names(name)[0], id=question)


@pytest.mark.parametrize(("file", "name"), [*homes()])
def test_the_one_home_of_a_rule_is_there(file, name):
    assert name in defined_names(ROOT / file)


def test_the_table_of_rooms_names_every_room():
    named = [code_names(cells[0]) for cells in rows(section("architecture.md", 1))]
    said = {name for names in named for name in names}
    rooms = {path.name for package in PACKAGES for path in package.iterdir() if any(path.glob("*.py"))}
    assert said == rooms


def test_the_page_names_the_files_that_lie_beside_the_rooms():
    beside = next(part for part in section("architecture.md", 1).split("\n\n") if "lie beside the rooms" in part)
    there = {path.name for path in PACKAGES[0].glob("*.py") if not path.name.startswith("__")}
    assert set(code_names(beside)) == there


def test_the_picture_of_the_floors_is_up_to_date():
    assert picture_findings() == []


def test_the_plan_has_every_room_of_the_house():
    for plan, package in ((BACKEND, PACKAGES[0]), (PANEL, PACKAGES[1])):
        assert set(plan) == {path.name for path in package.iterdir() if path.is_dir() and any(path.glob("*.py"))}


def test_floors_and_needless_arrows_are_what_a_small_house_says():
    plan = {"roof": {"cellar", "parlor"}, "parlor": {"cellar"}, "cellar": set(), "shed": set()}
    assert floors(plan) == {"cellar": 0, "parlor": 1, "roof": 2, "shed": 0}
    assert shortest(plan)["roof"] == {"parlor"}
    with pytest.raises(ValueError, match="a → b → c → a"):
        floors({"a": {"b"}, "b": {"c"}, "c": {"a"}})


def to_touch():
    for part in CONTRIBUTING.split("\n### ")[1:]:
        title, _, text = part.partition("\n")
        for cells in rows(text):
            for file in code_names(cells[0]):
                yield pytest.param(file, code_names(cells[2]), id=f"{title}: {file}")


@pytest.mark.parametrize(("file", "names"), [*to_touch()])
def test_what_has_to_be_touched_for_something_new_is_there(file, names):
    fixed = [part for part in Path(file).parts if "NAME" not in part and "FAMILY" not in part]
    place = ROOT.joinpath(*fixed)
    assert place.exists()
    assert place.is_file() or len(fixed) < len(Path(file).parts), "a folder is named for a file in it"
    if names:
        assert set(names) <= defined_names(place)


def test_a_loss_is_in_every_list_that_a_loss_has_to_be_in():
    assert set(OF_PROBABILITY) == set(get_args(LossName))
    modules = {loss.__module__.rpartition(".")[2] for loss in OF_PROBABILITY.values()}
    folder = Path(losses.__file__).parent
    helpers = {"__init__", "weighted_sum", "weighting"}
    assert modules == {path.stem for path in folder.glob("*.py")} - helpers
    assert len(losses.__all__) == len(OF_PROBABILITY)


def test_an_export_is_in_every_list_that_an_export_has_to_be_in():
    runner = (ROOT / "MSSoftSegLib" / "jobs" / "library" / "export.py").read_text(encoding="utf-8")
    table = {code_names(cells[0])[0] for cells in rows(page("library.md").read_text(encoding="utf-8"))}
    for name in EXPORT_FORMATS:
        assert f'"{name}"' in runner
        assert name in table


def test_every_stage_of_preprocessing_has_words_in_the_panel():
    titles = (ROOT / "MSSoftSeg" / "MSSoftSegGUI" / "worker" / "stage_titles.py").read_text(encoding="utf-8")
    assert [stage for stage in STAGES if f'"{stage}"' not in titles] == []


def test_every_section_of_the_panel_has_a_room():
    tree = ElementTree.parse(ROOT / "MSSoftSeg" / "Resources" / "UI" / "MSSoftSeg.ui")
    names = [each.get("name") for each in tree.iter("widget") if each.get("class") == "ctkCollapsibleButton"]
    rooms = {name.removesuffix("Section").replace("softLabel", "soft_label") for name in names}
    # Corrections belong to the review: one room, two sections.
    for room in rooms - {"edit"}:
        assert (PACKAGES[1] / room / "panel.py").is_file()


def test_every_kind_of_job_has_a_document_and_a_runner():
    kinds = importlib.import_module("MSSoftSegLib.jobs.kinds").find_job_kinds()
    assert kinds
    for kind in kinds.values():
        module = ROOT.joinpath(*kind.module.split(".")).with_suffix(".py")
        assert kind.function in defined_names(module)
        assert kind.document.__module__.startswith("MSSoftSegLib.jobs.documents.")


def test_no_folder_is_a_hall():
    halls = {}
    for folder in ("Docs", "MSSoftSeg", "MSSoftSegLib", "Resources", "Benchmarks"):
        for place in [ROOT / folder, *(path for path in (ROOT / folder).rglob("*") if path.is_dir())]:
            files = [path for path in place.iterdir() if path.is_file()] if place.name != "__pycache__" else []
            if len(files) > 25:
                halls[place.relative_to(ROOT).as_posix()] = len(files)
    # The icons are pairs, a drawing and its rendering, by name.
    assert {name: count for name, count in halls.items() if not name.endswith("Icons")} == {}
