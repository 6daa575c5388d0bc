"""Processes of another interpreter: their variables, their output, their end."""

import os
import sys
from pathlib import Path

import pytest

from MSSoftSegLib.errors import PackageMissing
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_process import (
    FinishedProcess,
    cut_folders,
    find_last_useful_line,
    make_foreign_environment,
    run_watched,
)
from Testing.MSSoftSegLib.preprocessing.hd_bet_fakes import fake_interpreter

SLICER = {
    "SLICER_HOME": "/opt/Slicer",
    "PYTHONHOME": "/opt/Slicer/lib/Python",
    "PYTHONPATH": "/opt/Slicer/bin/Python",
    "LD_LIBRARY_PATH": "/opt/Slicer/lib/Slicer-5.10",
    "PATH": os.pathsep.join(["/opt/Slicer/bin", "/opt/Slicer/", "/opt/Slicer-other/bin", "/usr/bin"]),
    "HTTPS_PROXY": "http://proxy:3128",
}


def test_inside_slicer_another_interpreter_sees_none_of_slicers_libraries() -> None:
    assert make_foreign_environment(SLICER) == {
        "SLICER_HOME": "/opt/Slicer",
        "PATH": os.pathsep.join(["/opt/Slicer-other/bin", "/usr/bin"]),
        "HTTPS_PROXY": "http://proxy:3128",
    }


def test_outside_slicer_only_pythons_own_variables_are_dropped() -> None:
    variables = {"PYTHONPATH": "/mine", "VIRTUAL_ENV": "/venv", "LD_LIBRARY_PATH": "/cuda", "PATH": "/usr/bin"}
    assert make_foreign_environment(variables) == {"LD_LIBRARY_PATH": "/cuda", "PATH": "/usr/bin"}


def test_the_process_really_runs_without_our_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SLICER.items():
        monkeypatch.setenv(name, value)
    finished = run_watched([sys.executable, "-I", "-c", "import os; print(*sorted(os.environ), sep='\\n')"])
    names = finished.stdout.splitlines()
    assert finished.exit_code == 0
    assert "HTTPS_PROXY" in names
    assert not {"PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH"} & set(names)


def test_every_line_is_passed_on_up_to_the_last() -> None:
    seen: list[str] = []
    program = "print('first'); print('last')"
    finished = run_watched([sys.executable, "-I", "-c", program], on_line=seen.append)
    assert seen == ["first", "last"]
    assert finished.stdout == "first\nlast\n"


def test_a_line_is_passed_on_before_the_process_ends() -> None:
    """The process goes on only after its first line was seen: cancelled() would otherwise be asked forever."""
    seen: list[str] = []
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        assert asked < 3000
        return bool(seen)

    with pytest.raises(Exception, match="cancelled"):
        run_watched(
            [sys.executable, "-I", "-c", "import time; print('ready', flush=True); time.sleep(86400)"],
            on_line=seen.append,
            cancelled=cancelled,
        )
    assert seen == ["ready"]


def test_much_output_on_both_streams_does_not_block() -> None:
    program = "import sys; print('o' * 10**6); print('e' * 10**6, file=sys.stderr)"
    finished = run_watched([sys.executable, "-I", "-c", program])
    assert len(finished.stdout.strip()) == len(finished.stderr.strip()) == 10**6


def test_a_file_that_is_no_program_is_an_environment_error(tmp_path: Path) -> None:
    broken = fake_interpreter(tmp_path / "python", "")
    broken.chmod(0o644)
    with pytest.raises(PackageMissing, match="python cannot be started"):
        run_watched([str(broken)])


@pytest.mark.parametrize(
    ("finished", "expected"),
    [
        (FinishedProcess(1, "a\nb\n", "c\nd\n\n"), "d"),
        (FinishedProcess(1, "hd-bet: the cause\nb", "a warning"), "the cause"),
        (FinishedProcess(1, "only this\n", ""), "only this"),
        (FinishedProcess(3, "", ""), "it ended with exit code 3 and said nothing"),
        (FinishedProcess(-9, "loading", "warning"), "it was ended by signal 9"),
    ],
)
def test_the_useful_line_of_a_failure(finished: FinishedProcess, expected: str) -> None:
    assert find_last_useful_line(finished) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cannot read /data/doe/t1.nii", "cannot read t1.nii"),
        ("cannot read '/data/Doe Jane/t1.nii'", "cannot read 't1.nii'"),
        (r"cannot read C:\Users\doe\t1.nii", "cannot read t1.nii"),
        ("see https://pypi.org/simple/hd-bet/", "see https://pypi.org/simple/hd-bet/"),
        ("ratio 3/4 is fine", "ratio 3/4 is fine"),
        ("/home/doe/env/bin/python: No module named venv", "python: No module named venv"),
    ],
)
def test_folders_are_cut_off_and_nothing_else(line: str, expected: str) -> None:
    assert cut_folders(line) == expected
