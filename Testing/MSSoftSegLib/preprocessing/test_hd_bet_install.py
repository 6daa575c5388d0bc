"""Making HD-BET's environment, with a stand-in for Python that makes no real one."""

import json
from importlib import metadata
from pathlib import Path

import pytest

from MSSoftSegLib.errors import JobCancelled, JobFailed, OutputExists, PackageMissing, RequestError
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_environment import (
    COMPLETION_MARKER,
    HdBetEnvironment,
    name_interpreter,
    require_interpreter,
)
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_install import (
    check_hd_bet,
    install_hd_bet,
    list_requirements,
)
from Testing.MSSoftSegLib.preprocessing.hd_bet_fakes import fake_interpreter

# Takes part in every step: "-m venv FOLDER" copies itself there, "-m pip install" and "--check" are noted down.
PYTHON = """
import json, os, shutil, sys
log = {log!r}
with open(log, "a") as stream:
    stream.write(json.dumps(sys.argv[1:]) + chr(10))
if "venv" in sys.argv:
    os.makedirs(os.path.join(sys.argv[-1], "bin"))
    open(os.path.join(sys.argv[-1], "pyvenv.cfg"), "w").close()
    shutil.copy(sys.argv[0], os.path.join(sys.argv[-1], "bin", "python"))
elif "pip" in sys.argv:
    {pip}
elif "--check" in sys.argv:
    {check}
"""
WORKING_PIP = "print('Collecting hd-bet'); print('Installing collected packages: hd-bet')"
WORKING_CHECK = """print('noise'); print('{"hd-bet": "2.0.1", "cuda": false}')"""


class Site:
    """A stand-in for Python, and what it was asked to do."""

    def __init__(self, folder: Path, pip: str = WORKING_PIP, check: str = WORKING_CHECK) -> None:
        self.log = folder / "log"
        self.python = fake_interpreter(
            folder / "base" / "python3", PYTHON.format(log=str(self.log), pip=pip, check=check)
        )

    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []


def is_complete(folder: Path) -> bool:
    environment = HdBetEnvironment(name_interpreter(folder), folder, folder / COMPLETION_MARKER)
    try:
        require_interpreter(environment)
    except PackageMissing:
        return False
    return True


def test_the_environment_is_made_filled_checked_and_only_then_marked(tmp_path: Path) -> None:
    site, folder = Site(tmp_path), tmp_path / "environment"
    steps: list[tuple[float, str]] = []
    versions = install_hd_bet(
        python=site.python, folder=folder, progress=lambda fraction, line: steps.append((fraction, line))
    )
    venv, pip, check = site.calls()
    assert venv[-3:] == ["-m", "venv", str(folder)]
    assert pip[pip.index("-m") :][:3] == ["-m", "pip", "install"]
    assert any(argument.startswith("hd-bet") for argument in pip)
    assert check[-1] == "--check"
    assert versions == {"hd-bet": "2.0.1", "cuda": "False"}
    assert json.loads((folder / COMPLETION_MARKER).read_text()) == versions
    assert is_complete(folder)
    fractions = [fraction for fraction, _ in steps]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert (steps[1][1], steps[2][1]) == ("Collecting hd-bet", "Installing collected packages: hd-bet")


@pytest.mark.parametrize(
    "broken",
    [
        {"pip": "print('ERROR: No space left', file=sys.stderr); sys.exit(1)"},
        {"check": "print('hd-bet: ModuleNotFoundError', file=sys.stderr); sys.exit(1)"},
        {"check": "print('nothing that is versions')"},
    ],
)
def test_a_failed_step_leaves_no_environment(tmp_path: Path, broken: dict[str, str]) -> None:
    folder = tmp_path / "environment"
    with pytest.raises((JobFailed, PackageMissing)):
        install_hd_bet(python=Site(tmp_path, **broken).python, folder=folder)
    assert not folder.exists()


def test_a_failure_of_pip_is_told_in_its_own_words(tmp_path: Path) -> None:
    site = Site(tmp_path, pip="print('ERROR: No space left', file=sys.stderr); sys.exit(1)")
    with pytest.raises(JobFailed, match="could not be installed: ERROR: No space left"):
        install_hd_bet(python=site.python, folder=tmp_path / "environment")


def test_cancelling_leaves_no_environment(tmp_path: Path) -> None:
    site, folder = Site(tmp_path, pip="import time; time.sleep(86400)"), tmp_path / "environment"
    with pytest.raises(JobCancelled):
        install_hd_bet(python=site.python, folder=folder, cancelled=lambda: len(site.calls()) == 2)
    assert not folder.exists()


def test_a_complete_environment_is_checked_and_kept(tmp_path: Path) -> None:
    site, folder = Site(tmp_path), tmp_path / "environment"
    install_hd_bet(python=site.python, folder=folder)
    (folder / "kept").touch()
    assert install_hd_bet(python=site.python, folder=folder)["hd-bet"] == "2.0.1"
    assert (folder / "kept").exists()
    assert [call[-1] for call in site.calls()].count("--check") == 2
    assert sum("venv" in call for call in site.calls()) == 1


def test_an_interrupted_environment_is_made_anew(tmp_path: Path) -> None:
    site, folder = Site(tmp_path), tmp_path / "environment"
    install_hd_bet(python=site.python, folder=folder)
    (folder / COMPLETION_MARKER).unlink()
    (folder / "leftover").touch()
    install_hd_bet(python=site.python, folder=folder)
    assert is_complete(folder)
    assert not (folder / "leftover").exists()


def test_a_folder_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "thesis.tex").touch()
    site = Site(tmp_path)
    with pytest.raises(OutputExists):
        install_hd_bet(python=site.python, folder=folder)
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]
    assert site.calls() == []


def test_slicers_own_python_is_refused_with_the_way_to_name_another(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="3D Slicer") as raised:
        install_hd_bet(python=tmp_path / "PythonSlicer", folder=tmp_path / "environment")
    assert "--python" in raised.value.remedy
    assert not (tmp_path / "environment").exists()


def test_a_python_that_is_not_there_is_an_environment_error(tmp_path: Path) -> None:
    with pytest.raises(PackageMissing, match="python3 cannot be started"):
        install_hd_bet(python=tmp_path / "python3", folder=tmp_path / "environment")


@pytest.mark.parametrize(
    ("installed", "wanted"),
    [("2.13.0+cpu", ["torch==2.13.0+cpu"]), ("2.13.0", []), ("2.13.0+cu130", []), (None, [])],
)
def test_beside_a_cpu_build_of_torch_the_same_build_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, installed: str | None, wanted: list[str]
) -> None:
    def version(name: str) -> str:
        assert name == "torch"
        if installed is None:
            raise metadata.PackageNotFoundError
        return installed

    monkeypatch.setattr(metadata, "version", version)
    hd_bet, *torch = list_requirements()
    assert hd_bet.startswith("hd-bet>=2")
    assert torch == wanted


def test_where_pip_knows_no_cpu_build_pytorchs_own_index_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: "2.13.0+cpu")
    pip = """if "--extra-index-url" not in sys.argv:
        print('ERROR: No matching distribution found for torch==2.13.0+cpu', file=sys.stderr)
        sys.exit(1)"""
    site = Site(tmp_path, pip=pip)
    install_hd_bet(python=site.python, folder=tmp_path / "environment", pip_arguments=["--proxy", "p:1"])
    first, second = [call for call in site.calls() if "pip" in call]
    assert "torch==2.13.0+cpu" in first
    assert first[first.index("--proxy") + 1] == "p:1"
    assert second == [*first, "--extra-index-url", "https://download.pytorch.org/whl/cpu"]


def test_a_check_that_fails_says_what_to_remove_and_which_command_to_run(tmp_path: Path) -> None:
    site = Site(tmp_path, check="print('hd-bet: ImportError: torch', file=sys.stderr); sys.exit(1)")
    with pytest.raises(PackageMissing, match="ImportError: torch") as raised:
        check_hd_bet(site.python)
    assert "`mssoftseg doctor --install-hd-bet`" in raised.value.remedy
