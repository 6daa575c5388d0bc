"""Making HD-BET's environment. Whether to do so is asked of the user elsewhere: this does it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from MSSoftSegLib.errors import JobFailed, OutputExists, PackageMissing, RequestError
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet import RUNNER
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_environment import (
    COMPLETION_MARKER,
    INSTALL_COMMAND,
    PYTHON_VARIABLE,
    find_default_environment,
    name_interpreter,
)
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_process import (
    ISOLATED,
    FinishedProcess,
    find_last_useful_line,
    is_never_cancelled,
    run_watched,
)

HD_BET_REQUIREMENT = "hd-bet>=2.0.1,<3"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
_PIP_INSTALL = ("-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off")

# Fractions of the whole at which the three steps end, as measured: 4 s, 66 s, 6 s.
_VENV_DONE, _PACKAGES_DONE = 0.05, 0.92

Progress = Callable[[float, str], None]


def install_hd_bet(
    *,
    python: Path | None = None,
    folder: Path | None = None,
    pip_arguments: Sequence[str] = (),
    progress: Progress = lambda fraction, message: None,
    cancelled: Callable[[], bool] = is_never_cancelled,
) -> dict[str, str]:
    """Make the environment of HD-BET, about 2 GB, and return the versions in it.

    python: the interpreter that it is made from, by default ours. folder: by default the one that
    `find_configured_hd_bet` finds; a complete environment there is checked and kept, an incomplete one is made
    anew. pip_arguments: for proxies and mirrors. progress gets the fraction done and a line. The completion
    marker is written last; after a failure or a cancellation nothing is left.
    """
    base = python or Path(sys.executable)
    if base.stem.lower().startswith("pythonslicer"):
        raise RequestError(
            "an environment made from 3D Slicer's own Python does not work reliably",
            remedy=f"install Python 3.11 or 3.12 and run `{INSTALL_COMMAND} --python PATH-OF-THAT-PYTHON`",
        )
    folder = folder or find_default_environment()
    interpreter, marker = name_interpreter(folder), folder / COMPLETION_MARKER
    if marker.is_file():
        return check_hd_bet(interpreter, cancelled=cancelled)
    _clear(folder)
    try:
        _make_environment(base, folder, progress=progress, cancelled=cancelled)
        _install_packages(interpreter, pip_arguments, progress=progress, cancelled=cancelled)
        progress(_PACKAGES_DONE, "checking")
        versions = check_hd_bet(interpreter, cancelled=cancelled)
        _write_marker(marker, versions)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    progress(1.0, "HD-BET is installed")
    return versions


def check_hd_bet(interpreter: Path, *, cancelled: Callable[[], bool] = is_never_cancelled) -> dict[str, str]:
    """The versions that HD-BET's interpreter reports after importing HD-BET; PackageMissing if it cannot."""
    finished = run_watched([str(interpreter), *ISOLATED, str(RUNNER), "--check"], cancelled=cancelled)
    if finished.exit_code == 0:
        for line in reversed(finished.stdout.splitlines()):
            if line.startswith("{"):
                return {name: str(value) for name, value in json.loads(line).items()}
    raise PackageMissing(
        f"HD-BET does not work in its environment: {find_last_useful_line(finished)}",
        remedy=f"remove the folder mssoftseg/hd-bet/environment of your user data and run "
        f"`{INSTALL_COMMAND}`, or name another interpreter in {PYTHON_VARIABLE}",
    )


def list_requirements() -> list[str]:
    """What pip is asked for. Beside a CPU build of torch HD-BET gets the very same one: a GPU build is huge.

    The version is read from the metadata, so that torch is not imported.
    """
    try:
        torch_version = metadata.version("torch")
    except metadata.PackageNotFoundError:
        torch_version = ""
    return [HD_BET_REQUIREMENT, *([f"torch=={torch_version}"] if torch_version.endswith("+cpu") else [])]


def _make_environment(base: Path, folder: Path, *, progress: Progress, cancelled: Callable[[], bool]) -> None:
    progress(0.0, "making an environment")
    finished = run_watched([str(base), *ISOLATED, "-m", "venv", str(folder)], cancelled=cancelled)
    _require_success(finished, "the environment for HD-BET could not be made")


def _install_packages(
    interpreter: Path, pip_arguments: Sequence[str], *, progress: Progress, cancelled: Callable[[], bool]
) -> None:
    """Install with the user's pip settings; if these know no CPU build of torch, with PyTorch's own index."""
    wanted = list_requirements()
    command = [str(interpreter), *ISOLATED, *_PIP_INSTALL, *pip_arguments, *wanted]
    report = _line_reporter(progress)
    finished = run_watched(command, cancelled=cancelled, on_line=report)
    if finished.exit_code != 0 and len(wanted) > 1 and "No matching distribution" in finished.stderr:
        command += ["--extra-index-url", CPU_INDEX]
        finished = run_watched(command, cancelled=cancelled, on_line=report)
    _require_success(finished, "the packages of HD-BET could not be installed")


def _line_reporter(progress: Progress) -> Callable[[str], None]:
    """Pass pip's lines on. How many there will be is unknown: each takes a fiftieth of what is left."""
    fraction = _VENV_DONE

    def report(line: str) -> None:
        nonlocal fraction
        if line.startswith(("Collecting", "Downloading", "Installing")):
            fraction += (_PACKAGES_DONE - fraction) / 50
            progress(fraction, line[:100])

    return report


def _require_success(finished: FinishedProcess, what: str) -> None:
    if finished.exit_code != 0:
        raise JobFailed(
            f"{what}: {find_last_useful_line(finished)}",
            remedy="check the network, the proxy and the free disk space (2 GB, more for a GPU), then "
            f"run `{INSTALL_COMMAND}` again",
        )


def _clear(folder: Path) -> None:
    """Remove what an interrupted installation left, but no folder of somebody else's."""
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / "pyvenv.cfg").is_file():
        raise OutputExists(
            f"the folder {folder.name} for HD-BET's environment holds something else",
            remedy="name another folder, or move its content away",
        )
    shutil.rmtree(folder)


def _write_marker(marker: Path, versions: dict[str, str]) -> None:
    unfinished = marker.with_suffix(".tmp")
    unfinished.write_text(json.dumps(versions, indent=2) + "\n", encoding="utf-8")
    os.replace(unfinished, marker)
