"""Presenters decide without Qt, without Slicer, without torch, and before anything was installed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

from Testing.MSSoftSeg.conftest import MODULE_FOLDER
from Testing.patience import HANGING_S

FOLDER = MODULE_FOLDER / "MSSoftSegGUI"
FILES = {".".join(path.relative_to(FOLDER).with_suffix("").parts): path for path in sorted(FOLDER.rglob("*.py"))}
PLAIN = sorted(
    name
    for name, path in FILES.items()
    if not re.search(r"^(?:import|from) (?:qt|slicer|vtk|ctk)\b", path.read_text(encoding="utf-8"), re.MULTILINE)
)
# What Slicer's own Python lacks until the user installs it.
NOT_THERE_YET = ("torch", "pydantic", "platformdirs", "psutil", "nibabel", "safetensors", "typer", "monai", "itk")


def test_the_presenters_are_among_the_plain_files():
    expected = {"worker.client", "segment.presenter", "review.presenter", "environment.presenter"}
    expected |= {"exam.guess", "exam.contrast_check", "scene.state", "scene.segments", "scene.working_images"}
    assert expected <= set(PLAIN)


def test_every_plain_file_imports_in_slicers_python_before_anything_is_installed():
    code = f"""
import importlib, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {(*NOT_THERE_YET, "qt", "slicer", "ctk", "vtk")!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
for name in {PLAIN!r}:
    importlib.import_module("MSSoftSegGUI." + name)
from MSSoftSegGUI.environment.model_list import list_installed_models
assert list_installed_models()[0].name == "starter", list_installed_models()
from MSSoftSegGUI.exam.guess import LoadedVolume, guess_exam
assert guess_exam([LoadedVolume("1", "FLAIR")]).flair == "1"
"""
    path = [str(MODULE_FOLDER), str(MODULE_FOLDER.parent)]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{code}"],
        capture_output=True,
        text=True,
        timeout=HANGING_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", FILES.values(), ids=FILES)
def test_files_of_the_panel_are_rooms_not_halls(path):
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(tree), "a file says what it is for"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 45, f"{node.name} is a long function"
        if isinstance(node, ast.Call):
            assert getattr(node.func, "id", "") != "print"
            # The self-test waits as a user does; nothing else may.
            assert path.stem == "self_test" or getattr(node.func, "attr", "") != "processEvents"
