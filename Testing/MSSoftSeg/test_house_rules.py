"""The rules of the panel's house, read off the source: sections do not know each other, and nothing below knows a section."""

from __future__ import annotations

import ast
import re

import pytest

from Testing.house.imported_names import missing_name_findings
from Testing.house.imports import PACKAGES, cycles, files_in_rooms, module_arrows, modules
from Testing.house.plan import MOST_FILES, PANEL, SECTIONS, upward
from Testing.house.print_rooms import lines, room_cycles

FOLDER = PACKAGES["MSSoftSegGUI"]
MODULES = {name: module for name, module in modules().items() if name.startswith("MSSoftSegGUI")}
# Torch and what brings it: the panel computes nothing, the worker does.
HEAVY = {"torch", "monai", "lightning", "itk"}


def test_every_room_of_the_panel_is_on_the_plan():
    assert {path.name for path in FOLDER.iterdir() if path.is_dir() and any(path.glob("*.py"))} == set(PANEL)


def test_nobody_imports_upward_or_a_section_beside_it():
    assert list(upward()) == []


def test_an_arrow_that_is_not_on_the_plan_would_be_seen(monkeypatch):
    bad = {
        ("MSSoftSegGUI.scene.state", "MSSoftSegGUI.review.panel"),
        ("MSSoftSegGUI.exam.panel", "MSSoftSegGUI.workbench"),
    }
    bad |= {("MSSoftSegLib.errors", "MSSoftSegGUI.workbench"), ("MSSoftSegGUI.review.panel", "MSSoftSegGUI.exam.panel")}
    monkeypatch.setattr("Testing.house.plan.module_arrows", lambda: bad)
    assert len(list(upward())) == len(bad)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_stands_on_scene_worker_and_widgets_alone(section):
    used = {
        modules()[there].room.split(".")[1]
        for here, there in module_arrows()
        if here.startswith(f"MSSoftSegGUI.{section}.") and there.startswith("MSSoftSegGUI.")
    }
    assert used <= {section, "scene", "worker", "widgets"}


def test_nothing_goes_round_in_a_circle():
    assert cycles(module_arrows()) == []
    assert [each for each in room_cycles() if any("MSSoftSegGUI" in room for room in each)] == []


def test_a_circle_would_be_seen():
    assert cycles([("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]) == [["a", "b", "c"]]


def test_no_room_of_the_project_is_a_hall():
    assert {room: count for room, count in files_in_rooms().items() if count > MOST_FILES} == {}


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_the_panel_never_imports_what_computes(module):
    assert not {name.split(".")[0] for name in module.names} & HEAVY


def test_the_house_can_be_printed():
    printed = list(lines(with_arrows=True))
    assert any("MSSoftSegGUI.review" in line for line in printed)
    assert "0 upward imports" in printed


# What a function of the panel does, first, in Slicer's camelCase as in the library's snake_case. ``tr`` is Slicer's own name.
FIRST_WORD = re.compile(
    r"add|bring|call|change|check|choose|close|compute|copy|count|create|describe|draw|fill|find|fit|forget|gives|guess|has|hide|"
    r"install|is|jump|keep|kill|leave|list|load|make|merge|name|offer|open|parse|prepare|put|read|recognize|refuse|register|"
    r"remember|remove|replace|save|say|select|set|show|sort|suggest|thin|tr|turn|wait|write"
)


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_functions_of_the_panel_begin_with_a_verb(module):
    functions = [
        node for node in ast.parse(module.path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)
    ]
    names = [node.name for node in functions if not node.name.startswith("_")]
    assert [name for name in names if not FIRST_WORD.fullmatch(re.match(r"[a-z0-9]+", name)[0])] == []


def test_whatever_is_imported_from_the_panel_is_there():
    assert missing_name_findings() == []
