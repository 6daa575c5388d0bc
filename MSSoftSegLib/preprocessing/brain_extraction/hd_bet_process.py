"""Another interpreter's process: captured, and killed with all its children when the user cancels.

Its output goes to files, never into ours: HD-BET prints, and our stdout may carry a protocol.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from MSSoftSegLib.errors import JobCancelled, PackageMissing
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_environment import INSTALL_COMMAND

POLL_INTERVAL_S = 0.1

# -I: neither the user's site-packages nor PYTHON* variables; -X utf8: one encoding on every system.
ISOLATED = ("-I", "-X", "utf8")

# A line of HD-BET's runner that is meant for the user starts so.
RUNNER_PREFIX = "hd-bet: "

_LIBRARY_PATH_VARIABLES = ("LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "DYLD_FRAMEWORK_PATH")
_SLICER_VARIABLES = ("SLICER_HOME", "APPLAUNCHER_LEVEL")

_QUOTED_PATH = re.compile(r"""(['"])([^'"\n]*[\\/])([^'"\\/\n]*)\1""")
_BARE_PATH = re.compile(r"(?<![\w:/\\])(?:[A-Za-z]:)?[\\/](?:[^\s\\/'\":,;]+[\\/])*([^\s\\/'\":,;]*)")


@dataclass(frozen=True)
class FinishedProcess:
    """Exit code and captured text of a process that ran to its end."""

    exit_code: int
    stdout: str
    stderr: str


def is_never_cancelled() -> bool:
    """For callers that cannot cancel."""
    return False


def make_foreign_environment(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables for an interpreter that is not ours.

    Python's own variables always point at our packages. Slicer's launcher besides puts its libraries first,
    which another interpreter would load instead of its own.
    """
    kept = {name: value for name, value in variables.items() if not name.startswith(("PYTHON", "__PYVENV"))}
    kept.pop("VIRTUAL_ENV", None)
    if any(name in variables for name in _SLICER_VARIABLES):
        for name in _LIBRARY_PATH_VARIABLES:
            kept.pop(name, None)
        kept["PATH"] = _path_without(variables.get("PATH", ""), variables.get("SLICER_HOME"))
    return kept


def run_watched(
    command: Sequence[str],
    *,
    cancelled: Callable[[], bool] = is_never_cancelled,
    on_line: Callable[[str], None] | None = None,
) -> FinishedProcess:
    """Run a command to its end without a time limit; when cancelled, kill its process tree: JobCancelled.

    on_line gets each line that the command prints while it runs. Whatever is raised here or in a callback,
    no process is left behind. The command's stdin stays open as long as we live: it may watch it.
    """
    with tempfile.TemporaryDirectory(prefix="mssoftseg-process-") as name:
        stdout_file, stderr_file = Path(name, "stdout"), Path(name, "stderr")
        with stdout_file.open("wb") as stdout, stderr_file.open("wb") as stderr:
            # In the temporary folder: what the command may leave beside itself goes with it.
            process = _start(command, folder=name, stdout=stdout.fileno(), stderr=stderr.fileno())
            try:
                _wait(process, stdout_file, cancelled=cancelled, on_line=on_line)
            finally:
                kill_process_tree(process)
        return FinishedProcess(process.returncode, _text(stdout_file), _text(stderr_file))


def kill_process_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all its descendants, and wait for it; nothing happens when it has ended."""
    if process.poll() is None:
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(process.pid)
            parent.suspend()  # so that it starts no further child while its children are listed
            for child in parent.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    child.kill()
        process.kill()
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def find_last_useful_line(finished: FinishedProcess) -> str:
    """What to tell the user about a failure: the runner's own line, else the last one; without folders."""
    lines = [line.strip() for line in f"{finished.stdout}\n{finished.stderr}".splitlines() if line.strip()]
    ours = [line.removeprefix(RUNNER_PREFIX) for line in lines if line.startswith(RUNNER_PREFIX)]
    if ours:
        return cut_folders(ours[-1])
    if finished.exit_code < 0:
        return f"it was ended by signal {-finished.exit_code}"
    return cut_folders(lines[-1]) if lines else f"it ended with exit code {finished.exit_code} and said nothing"


def cut_folders(line: str) -> str:
    """The line with every path cut down to its base name: folders can name patients."""
    return _BARE_PATH.sub(r"\1", _QUOTED_PATH.sub(r"\1\3\1", line))


def _start(command: Sequence[str], *, folder: str, stdout: int, stderr: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            env=make_foreign_environment(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise PackageMissing(
            f"the interpreter {Path(command[0]).name} cannot be started ({error.strerror})",
            remedy=f"run `{INSTALL_COMMAND}`, or name a working interpreter",
        ) from error


def _wait(
    process: subprocess.Popen[bytes],
    stdout_file: Path,
    *,
    cancelled: Callable[[], bool],
    on_line: Callable[[str], None] | None,
) -> None:
    """Wait for the end, asking after each interval whether to go on, and passing on what was printed."""
    with stdout_file.open("rb") as stdout:
        pending = b""
        running = True
        while running:
            if cancelled():
                raise JobCancelled
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=POLL_INTERVAL_S)
                running = False
            if on_line is not None:
                *lines, pending = (pending + stdout.read()).split(b"\n")
                for line in lines:
                    on_line(line.decode(errors="replace").rstrip())


def _path_without(path: str, folder: str | None) -> str:
    """The search path without the entries inside a folder."""
    if not folder:
        return path
    root = os.path.normcase(os.path.normpath(folder))
    entries = [(entry, os.path.normcase(os.path.normpath(entry))) for entry in path.split(os.pathsep) if entry]
    return os.pathsep.join(
        entry for entry, normal in entries if normal != root and not normal.startswith(root + os.sep)
    )


def _text(file: Path) -> str:
    return file.read_bytes().decode(errors="replace")
