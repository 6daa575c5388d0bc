"""The rules of the house, read off the source: who may import whom, and what nobody may."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from Testing import slow
from Testing.house.imports import module_arrows
from Testing.house.plan import LIBRARY as MAY_USE
from Testing.patience import HANGING_S

PACKAGE = Path(__file__).resolve().parents[2] / "MSSoftSegLib"

TORCH_FREE = {
    "exam",
    "softlabel",
    "phantom",
    "preprocessing",
    "dicom",
    "lesion",
    "quality",
    "region",
    "evaluation",
    "report",
    "change",
    "library",
}
FORBIDDEN = {"slicer", "qt", "ctk", "vtk", "pickle"}
SOURCES = sorted(PACKAGE.rglob("*.py"))


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def room(path):
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else None


def test_every_room_is_on_the_plan():
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert rooms == set(MAY_USE)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_lower_room_never_imports_an_upper_one(path):
    own, allowed = room(path), MAY_USE.get(room(path))
    # HD-BET's runner belongs to another interpreter, where HD-BET's own checkpoint format is read.
    foreign = path.name == "hd_bet_runner.py"
    for name in imports(path):
        assert foreign or name.split(".")[0] not in FORBIDDEN
        if own in TORCH_FREE and not foreign:
            assert name.split(".")[0] not in {"torch", "monai"}
        parts = name.split(".")
        if own is None or allowed is None or parts[0] != "MSSoftSegLib" or len(parts) < 3:
            continue
        assert parts[1] == own or parts[1] in allowed, f"{own} uses {parts[1]}"


@pytest.mark.parametrize(
    "module",
    [
        "jobs.kinds",
        "jobs.run",
        "jobs.worker",
        "jobs.detached.reading",
        "lesion.segmentation",
        "network.bundle",
        "quality.head_contrast",
    ],
)
def test_what_the_slicer_module_imports_does_not_load_torch(module):
    code = f"import sys, MSSoftSegLib.{module}; sys.exit('torch' in sys.modules or 'itk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=HANGING_S).returncode == 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_are_rooms_not_halls(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), "a file says what it is for"


# The families of jobs, and which other folders of that room each may use; all may use the files directly in it.
FAMILIES_MAY_USE = {
    "documents": set(),
    "detached": {"documents"},
    "segment": {"documents"},
    "change": {"documents", "segment"},
    "softmask": {"documents"},
    "evaluate": {"documents"},
    "exam": {"documents", "segment"},
    "library": {"documents", "softmask"},
    "preflight": {"documents", "detached"},
    "regions": {"documents", "segment"},
    "train": {"documents", "detached", "preflight"},
}


def test_families_of_jobs_stand_beside_each_other():
    room = "MSSoftSegLib.jobs."
    for importing, imported in module_arrows():
        if importing.startswith(room) and imported.startswith(room):
            own, other = (name.removeprefix(room).split(".") for name in (importing, imported))
            if len(own) > 1 and len(other) > 1 and own[0] != other[0]:
                assert other[0] in FAMILIES_MAY_USE[own[0]], f"{importing} uses {imported}"


def test_no_two_classes_have_one_name():
    homes: dict[str, list[str]] = {}
    for path in (*SOURCES, *sorted((PACKAGE.parent / "MSSoftSeg").rglob("*.py"))):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(str(path.relative_to(PACKAGE.parent)))
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_what_is_named_as_slow_is_there():
    assert [name for name in slow.SLOW if not (slow.HERE / name).exists()] == []


def test_the_front_door_is_used_by_whoever_comes_in_and_by_no_room():
    used_by = {room(path) for path in SOURCES if any(name.startswith("MSSoftSegLib.api") for name in imports(path))}
    assert used_by == {None, "api"}


# What a function of the library does, first: a reader of a call knows what happens.
FIRST_WORD = re.compile(
    r"add|change|check|choose|clean|commit|compute|copy|count|create|describe|ensure|export|find|"
    r"finish|format|has|have|import|is|keep|list|lock|make|merge|name|open|parse|predict|put|"
    r"read|refuse|replace|resample|resolve|save|say|select|set|sort|stage|store|verify|watch|window|write"
)


def test_functions_of_the_library_begin_with_a_verb():
    named = [
        f"{path.name}: {node.name}"
        for path in (PACKAGE / "library").rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not FIRST_WORD.fullmatch(node.name.split("_")[0] or "add")
    ]
    assert named == []
