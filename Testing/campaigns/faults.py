"""Runs commands in children of one warm process, and lets something happen to them at a file operation or at a moment.

A child begins with everything imported, so that a run takes as long as its work. Faults, from a file operation below a folder on:

- ``die``: kill −9 (or after seconds, wherever it then is);
- ``full``: nothing more can be written; ``denied``: nothing may be written; ``gone``: the share does not answer any more;
- ``removed``: somebody deletes the folder; ``back``: the clock is set back by three days;
- ``limit``: no file may grow beyond so many bytes, also those that are written by compiled code.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import gc
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from Testing.patience import HANGING_S

CHECKOUT = Path(__file__).resolve().parents[2]
OPERATIONS = (
    *("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"),
    *("shutil.rmtree", "os.listdir", "os.scandir", "os.chmod"),
)
READING = ("os.listdir", "os.scandir")
ERRORS = {"full": errno.ENOSPC, "denied": errno.EACCES, "gone": errno.ESTALE}
BACK_S = 3 * 24 * 3600.0


@dataclass(frozen=True)
class Fault:
    """kind: "" = none. below: the folder whose operations count. at: which of them, 0 = none. after_s, bytes: 0 = none."""

    kind: str = ""
    below: str = ""
    at: int = 0
    after_s: float = 0.0
    bytes: int = 0


@dataclass(frozen=True)
class Ended:
    """code: the exit code, negative for the signal that ended it. operations: file operations below the folder; −1 = unknown."""

    code: int
    operations: int
    seconds: float
    said: str


class WarmProcess:
    """Runs commands until it is closed."""

    def __init__(self, environment: dict[str, str], *, kinds: tuple[str, ...]) -> None:
        """kinds: of jobs, whose code is loaded before the first run."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "Testing.campaigns.faults", *kinds],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=CHECKOUT,
            env={**os.environ, **environment, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"},
            text=True,
        )

    def run(self, words: list[str], fault: Fault | None = None, *, times: int = 1) -> list[Ended]:
        """Run a command, or the same several times at once."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"words": words, "fault": asdict(fault or Fault()), "times": times}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return [Ended(**each) for each in json.loads(self._process.stdout.readline())]

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(HANGING_S) == 0


def _serve() -> None:
    """Answer one request a line."""
    _load(sys.argv[1:])
    for line in sys.stdin:
        request = json.loads(line)
        begun = time.monotonic()
        children = [_begin(request["words"], Fault(**request["fault"])) for _ in range(request["times"])]
        ended = [_wait(child, begun) for child in children]
        sys.stdout.write(json.dumps([asdict(each) for each in ended]) + "\n")
        sys.stdout.flush()


def _load(kinds: list[str]) -> None:
    """Import what jobs import; nothing computes here, for the threads of who computes do not survive a fork."""
    import MSSoftSegLib.cli.main  # noqa: F401
    from MSSoftSegLib.jobs.kinds import find_job_kinds

    for kind in kinds:
        find_job_kinds()[kind].load_runner()
    if "study" in kinds:
        from Testing.campaigns.small_study import make_studies_small

        make_studies_small()
        # The demo's patient as tests have her: coarse, and made in a second.
        from MSSoftSegLib.phantom import digital_patient as phantom

        phantom.make_digital_patient = functools.partial(phantom.make_digital_patient, settings=phantom.SMALL_SETTINGS)
    # The collector of a child would copy every page that it looks at.
    gc.freeze()


@dataclass(frozen=True)
class _Child:
    """said, counted: the ends of pipes, which no limit of file sizes and no full disk concerns."""

    process: int
    said: int
    counted: int


def _begin(words: list[str], fault: Fault) -> _Child:
    (said, saying), (counted, counting) = os.pipe(), os.pipe()
    fcntl.fcntl(saying, fcntl.F_SETPIPE_SZ, 1 << 20)
    process = os.fork()
    if process:
        os.close(saying)
        os.close(counting)
        return _Child(process, said, counted)
    code = 70
    try:
        os.setsid()
        # Requests and answers stay this process' parent's.
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(saying, 1)
        os.dup2(saying, 2)
        met = _arm(fault)
        from MSSoftSegLib.cli.main import run_command

        code = run_command(words)
        os.write(counting, str(met["operations"]).encode())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait(child: _Child, begun: float) -> Ended:
    _, status = os.waitpid(child.process, 0)
    seconds = time.monotonic() - begun
    # What the command started lives in its session; a kill of the command alone leaves it for a moment.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.process, signal.SIGKILL)
    said, operations = _drained(child.said), _drained(child.counted)
    return Ended(os.waitstatus_to_exitcode(status), int(operations or -1), seconds, said)


def _drained(pipe: int) -> str:
    """What lies in a pipe, which is closed."""
    os.set_blocking(pipe, False)
    parts = []
    with contextlib.suppress(BlockingIOError):
        while part := os.read(pipe, 1 << 16):
            parts.append(part)
    os.close(pipe)
    return b"".join(parts).decode(errors="replace")


def _arm(fault: Fault) -> dict[str, int]:
    """Let the fault happen in this process; the count of operations goes on in what is returned."""
    counted = {"operations": 0}
    if fault.bytes:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault.bytes, fault.bytes))
    if fault.after_s:
        killing = threading.Timer(fault.after_s, lambda: os.kill(os.getpid(), signal.SIGKILL))
        killing.daemon = True
        killing.start()
    below, inside = fault.below, threading.local()

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event not in OPERATIONS or getattr(inside, "acts", False) or not _is_below(arguments, below):
            return
        counted["operations"] += 1
        if fault.at and counted["operations"] >= fault.at:
            inside.acts = True
            try:
                _happen(fault, event, arguments, first=counted["operations"] == fault.at)
            finally:
                inside.acts = False

    if below:
        sys.addaudithook(hook)
    return counted


def _is_below(arguments: tuple[object, ...], folder: str) -> bool:
    return any(
        isinstance(each, str | bytes | os.PathLike) and os.fsdecode(each).startswith(folder) for each in arguments
    )


def _happen(fault: Fault, event: str, arguments: tuple[object, ...], *, first: bool) -> None:
    if fault.kind == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault.kind == "removed" and first:
        shutil.rmtree(fault.below, ignore_errors=True)
    elif fault.kind == "back" and first:
        now = time.time
        time.time = lambda: now() - BACK_S
    elif fault.kind in ERRORS and _is_met(fault.kind, event, arguments):
        raise OSError(ERRORS[fault.kind], os.strerror(ERRORS[fault.kind]), os.fsdecode(arguments[0]))  # type: ignore[call-overload]


def _is_met(kind: str, event: str, arguments: tuple[object, ...]) -> bool:
    """Whether an operation fails: on a share that is gone every one, on a full disk those that need room."""
    if kind == "gone":
        return True
    if event == "open":
        mode, flags = arguments[1], arguments[2]
        writes = isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        return writes or (isinstance(mode, str) and bool(set(mode) & set("wax+")))
    return event == "os.mkdir" if kind == "full" else event not in READING


if __name__ == "__main__":
    _serve()
