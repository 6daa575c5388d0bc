"""The code of ``Docs/quickstart.md`` runs as it stands, from top to bottom, and what it does not run it calls rightly."""

from __future__ import annotations

import ast
import inspect
import re

import numpy as np
import SimpleITK as sitk

import MSSoftSegLib as mss
from Testing.house.pages import page

BLOCK = re.compile(r"^(?P<mark><!-- not run[^\n]*-->\n)?```python\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [(found["code"], found["mark"] is None) for found in BLOCK.finditer(page("quickstart.md").read_text("utf-8"))]


def test_the_page_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for code, is_run in BLOCKS:
        if is_run:
            exec(compile(code, "quickstart.md", "exec"), names)
    result, soft, case = names["result"], names["soft"], names["case"]
    assert np.array_equal(sitk.GetArrayFromImage(mss.read_mask(tmp_path / "lesion_mask.nii.gz")), voxels(result.mask))
    assert 0 < soft.core_volume_ml < soft.soft_volume_ml
    assert 0 < case.dsc <= 1
    said = capsys.readouterr().out
    assert "bad-exam | the exam has no PD image" in said
    assert all(f"\n{name} " in said for name in mss.losses.__all__)


def voxels(image):
    return sitk.GetArrayFromImage(image)


def test_what_the_page_calls_without_running_it_can_be_called_so():
    called = []
    for code, is_run in BLOCKS:
        for node in ast.walk(ast.parse(code)) if not is_run else ():
            if isinstance(node, ast.Call):
                function = getattr(mss, node.func.attr)
                inspect.signature(function).bind(*node.args, **{each.arg: each.value for each in node.keywords})
                called.append(node.func.attr)
    assert called == ["train", "segment"]
