"""What is loaded ahead of the first job."""

from __future__ import annotations

import subprocess
import sys

import pytest

from MSSoftSegLib.jobs import readiness
from MSSoftSegLib.jobs.readiness import load_ahead


@pytest.fixture
def loaded(monkeypatch):
    """What was loaded, in its order; nothing really is."""
    names = []
    monkeypatch.setattr(readiness, "_load_segmenting", lambda: names.append("segmenting"))
    monkeypatch.setattr(readiness, "_load_alignment", lambda: names.append("alignment"))
    return names


def test_everything_is_loaded_where_nobody_waits(loaded):
    load_ahead()
    assert loaded == ["segmenting", "alignment"]


def test_a_job_that_waits_ends_the_loading(loaded):
    load_ahead(lambda: not loaded)
    assert loaded == ["segmenting"]


def test_a_package_that_is_missing_is_for_the_job_to_name(loaded, monkeypatch):
    def fail():
        raise ModuleNotFoundError("No module named 'torch'")

    monkeypatch.setattr(readiness, "_load_segmenting", fail)
    load_ahead()
    assert loaded == []


def test_a_segmentation_finds_its_slow_packages_loaded():
    code = "import sys; from MSSoftSegLib.jobs.readiness import load_ahead; load_ahead(); "
    code += "print(*({'torch', 'SimpleITK', 'monai', 'itk', 'itk.elxParameterObjectPython'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"torch", "SimpleITK", "itk", "itk.elxParameterObjectPython"} <= set(said)
