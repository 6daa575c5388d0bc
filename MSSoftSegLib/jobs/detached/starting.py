"""Starting a long job so that nothing that happens to its starter happens to it.

The process has a session and a process group of its own and no parent that is ours: a short-lived process starts it and
ends, so that neither the end of a terminal, nor a kill of the worker's process group, nor one of its tree of
descendants reaches it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from MSSoftSegLib.errors import JobFailed, OutputExists, RequestError
from MSSoftSegLib.jobs.detached.event_log import EventLog
from MSSoftSegLib.jobs.detached.folder import (
    CANCEL,
    HEARTBEAT,
    JOB,
    LOG,
    PROCESS,
    create_job_folder,
    read_document,
    write_document,
)
from MSSoftSegLib.jobs.detached.priority import niceness
from MSSoftSegLib.jobs.detached.reading import JobState, list_jobs, read_job
from MSSoftSegLib.jobs.kinds import find_job_kinds

PATIENCE_S = 60.0
# Documented for CreateProcess: a group of its own for Ctrl-C, no console, out of the starter's job object; lower priority.
BREAKAWAY, BELOW_NORMAL = 0x01000000, 0x00004000
WINDOWS_FLAGS = 0x00000200 | 0x00000008 | BREAKAWAY
STARTER = """
import os, subprocess, sys
command, log, flags, breakaway = sys.argv[4:], sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(log, "ab") as stream:
    how = dict(stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, close_fds=True)
    if os.name != "nt":
        subprocess.Popen(command, start_new_session=True, **how)
    else:
        try:
            subprocess.Popen(command, creationflags=flags, **how)
        except PermissionError:
            subprocess.Popen(command, creationflags=flags & ~breakaway, **how)
os._exit(0)
"""


def start(kind: str, spec: Mapping[str, Any]) -> Path:
    """Start a job of a long kind; its folder. spec: JSON values that hold, every path absolute (``make_spec_absolute``)."""
    check_nobody_writes_to(str(spec.get("out", "")))
    folder = create_job_folder(kind, spec)
    launch(folder)
    return folder


def resume(folder: Path) -> Path:
    """Go on with a job that was stopped, in its folder, from what its run has kept."""
    state = read_job(folder)
    if state is None:
        raise RequestError("there is no such job", remedy="see mssoftseg jobs list")
    document = read_document(folder / JOB)
    if document is None or not state.can_be_resumed:
        raise RequestError(
            f"the job {state.name} cannot be resumed: it is {state.state}", remedy="see mssoftseg jobs list"
        )
    check_nobody_writes_to(str(state.spec.get("out", "")))
    write_document(folder / JOB, document | {"spec": make_resumed_spec(state)})
    for left in (CANCEL, PROCESS):
        (folder / left).unlink(missing_ok=True)
    (folder / HEARTBEAT).touch()
    log = EventLog(folder)
    log.emit({"event": "log", "job": state.name, "level": "info", "message": "resumed"})
    log.close()
    launch(folder)
    return folder


def make_resumed_spec(state: JobState) -> dict[str, Any]:
    """The job's specification, so that it goes on where its run has kept something; as its own family says."""
    kind = find_job_kinds().get(state.kind)
    if kind is None or not kind.is_long:
        raise RequestError(
            f"the job {state.name} cannot be resumed: its kind is not known here", remedy="start it anew"
        )
    return kind.load_resuming()(state)


def check_nobody_writes_to(out: str) -> None:
    """Refuse an output that a running job is making."""
    for other in list_jobs():
        if other.state == "running" and _same_place(str(other.spec.get("out", "")), out):
            raise OutputExists(
                f"the job {other.name} is making {Path(out).name}",
                remedy="choose another --out, or stop that job with mssoftseg jobs cancel",
            )


def _same_place(first: str, second: str) -> bool:
    return os.path.normcase(os.path.realpath(first)) == os.path.normcase(os.path.realpath(second))


def launch(folder: Path) -> None:
    """Start the process of a job's folder and forget it."""
    command = [sys.executable, "-m", "MSSoftSegLib.jobs.detached", str(folder)]
    flags = WINDOWS_FLAGS | (BELOW_NORMAL if niceness() else 0)
    starter = [sys.executable, "-I", "-S", "-c", STARTER, str(folder / LOG), str(flags), str(BREAKAWAY)]
    try:
        done = subprocess.run(
            [*starter, *command],
            env=_environment(),
            cwd=folder.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        done = None
    if done is None or done.returncode != 0:
        raise JobFailed("a process for the job could not be started", remedy="free some memory and start it again")


def _environment() -> dict[str, str]:
    """The caller's, in which this very library is found."""
    library = str(Path(__file__).resolve().parents[3])
    known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = [library, *[path for path in known if path and path != library]]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
