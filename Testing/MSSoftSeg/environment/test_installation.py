"""Installing packages: what is said is what is there, whatever pip did; and what was left half-way is made whole."""

from __future__ import annotations

import contextlib
import subprocess
from importlib import metadata

import pytest
from MSSoftSegGUI.environment import packages
from MSSoftSegGUI.environment.packages import find_unsatisfied

FAILED = subprocess.CalledProcessError(1, ["python", "-m", "pip"])


class Shelf:
    """Packages as metadata gives them: name to version and what it requires."""

    def __init__(self, monkeypatch, **installed) -> None:
        self.installed = installed
        monkeypatch.setattr(packages.metadata, "version", self.version)
        monkeypatch.setattr(packages.metadata, "requires", lambda name: self.installed[name][1])

    def version(self, name):
        if name not in self.installed:
            raise metadata.PackageNotFoundError(name)
        return self.installed[name][0]


def test_what_a_package_that_is_there_lacks_is_missing_too(monkeypatch):
    Shelf(monkeypatch, monai=("1.5.1", ["numpy>=1.26", "einops"]), numpy=("2.0.2", []))
    assert find_unsatisfied(["monai>=1.5"]) == ["einops"]


def test_what_is_too_old_or_absent_is_missing_with_its_range(monkeypatch):
    Shelf(monkeypatch, pydantic=("2.8.0", []))
    assert find_unsatisfied(["pydantic>=2.9", "typer>=0.29"]) == ["pydantic>=2.9", "typer>=0.29"]


def test_other_systems_extras_and_other_peoples_packages_are_not_asked_for(monkeypatch):
    wants = ["torch>=2.6", "colorama; sys_platform == 'nowhere'", "sphinx; extra == 'docs'", "simple_itk"]
    Shelf(monkeypatch, lightning=("2.5.0", wants))
    assert find_unsatisfied(["lightning>=2.5"], ignored=("torch", "Simple-ITK")) == []


def test_packages_that_need_each_other_are_looked_at_once(monkeypatch):
    Shelf(monkeypatch, one=("1", ["two"]), two=("1", ["one", "three"]))
    assert find_unsatisfied(["one"]) == ["three"]


def test_in_this_python_nothing_is_missing():
    assert find_unsatisfied(["monai>=1.5", "pydantic>=2.9", "typer>=0.29"], ignored=("torch",)) == []


@pytest.fixture
def shop(host, monkeypatch):
    """What is missing before and after pip was asked, as the test sets it."""
    from MSSoftSegGUI.environment import installation

    answers = []
    monkeypatch.setattr(installation, "find_unsatisfied", lambda *_args, **_names: answers.pop(0))
    monkeypatch.setattr(
        installation, "find_installed_version", lambda name: {"torch": "2.6.0+cpu", "numpy": "2.0.2"}.get(name)
    )
    return answers


@pytest.fixture
def requirements(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text("# words\nmonai>=1.5\npydicom>=3.0.1\nhighdicom>=0.27\n", encoding="utf-8")
    return path


@pytest.fixture
def packaging(host):
    import slicer

    slicer.packaging.REQUESTED.__init__()
    yield slicer.packaging.REQUESTED
    slicer.packaging.REQUESTED.__init__()


def test_pip_that_fails_is_a_sentence_and_never_success(shop, requirements, packaging):
    from MSSoftSegGUI.environment.installation import installMissing

    shop += [["monai>=1.5"], ["monai>=1.5"]]
    packaging.failure = FAILED
    said = installMissing(requirements)
    assert "Not everything was installed: monai>=1.5 missing" in said
    assert "exit code 1" in said


def test_pip_that_says_it_is_done_is_not_believed(shop, requirements, packaging):
    from MSSoftSegGUI.environment.installation import installMissing

    shop += [["monai>=1.5", "einops"], ["einops"]]
    assert "einops missing" in installMissing(requirements)
    (asked, requester), *others = packaging.ensured
    assert (asked, requester, others) == (["monai>=1.5", "einops"], "MSSoftSeg", [])


def test_what_is_whole_is_not_installed_again(shop, requirements, packaging):
    from MSSoftSegGUI.environment.installation import installMissing

    shop += [[]]
    assert installMissing(requirements) == "Everything that is needed is installed."
    assert packaging.ensured == []


def test_an_older_slicer_keeps_its_pydicom_and_is_asked_for_no_highdicom(shop, requirements, monkeypatch):
    import slicer
    from MSSoftSegGUI.environment import installation

    monkeypatch.delattr(slicer, "packaging")
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_args, **_names: True)
    ran = []
    monkeypatch.setattr(slicer.util, "pip_install", ran.append)
    versions = {"torch": "2.6.0+cpu", "numpy": "2.0.2", "pydicom": "2.4.4"}
    monkeypatch.setattr(installation, "find_installed_version", versions.get)
    seen = []
    monkeypatch.setattr(
        installation, "find_unsatisfied", lambda wanted, **_names: seen.append(list(wanted)) or ["monai>=1.5"]
    )
    installation.installMissing(requirements)
    assert seen[0] == ["monai>=1.5"]
    assert ran == [["monai>=1.5", "torch==2.6.0", "numpy==2.0.2", "pydicom==2.4.4"]]


def test_workers_end_before_installing_and_start_anew_even_where_it_fails(reader, monkeypatch):
    from MSSoftSegGUI.environment import installation

    restarted = []
    monkeypatch.setattr(reader.workbench, "_restartWorkers", lambda: restarted.append(True))
    monkeypatch.setattr(reader.workbench.examiner, "check", lambda: None)

    def fail(_path):
        # Windows does not replace files that a worker has open.
        assert restarted == [True]
        raise FAILED

    monkeypatch.setattr(installation, "installMissing", fail)
    # In testing mode Slicer does not show what went wrong but raises it.
    with contextlib.suppress(subprocess.CalledProcessError):
        reader.workbench.onInstall()
    assert restarted == [True, True]
