"""What is installed is what works from a checkout: the wheel carries modules, page templates and Resources."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from Testing.patience import HANGING_S

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        str(ROOT),
        "--no-deps",
        "--no-build-isolation",
        "--quiet",
        "-w",
        str(folder),
    ]
    subprocess.run(command, check=True, timeout=HANGING_S)
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_carries_every_module_template_and_resource(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "MSSoftSegLib").rglob("*.py")}
    pages = {
        str(path.relative_to(ROOT)) for kind in ("*.jinja", "*.css") for path in (ROOT / "MSSoftSegLib").rglob(kind)
    }
    resources = {
        f"MSSoftSegLib/{path.relative_to(ROOT)}"
        for path in (ROOT / "Resources").rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }
    assert pages
    assert resources
    assert modules | pages | resources <= inside
    assert not [name for name in inside if name.startswith(("Testing", "Benchmarks"))]


def test_an_unpacked_wheel_finds_its_resources(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)  # our own archive, made a moment ago
    code = "import MSSoftSegLib.resources as r; print(r.find_resources())"
    command = [sys.executable, "-c", code]
    environment = {"PYTHONPATH": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=HANGING_S
    )
    assert done.stdout.strip() == str(tmp_path / "MSSoftSegLib" / "Resources")


def test_every_constraint_meets_the_range_of_the_package():
    import tomllib

    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    # What an extra needs is tested, and so it is installed with the tests.
    assert set(extras["dicom"]) <= set(extras["test"])
    wanted = [Requirement(text) for text in (*project["dependencies"], *extras["test"])]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    exact = {name.lower(): version for name, _, version in (line.partition("==") for line in lines if "==" in line)}
    for requirement in wanted:
        assert exact[requirement.name.lower()] in requirement.specifier, requirement.name
