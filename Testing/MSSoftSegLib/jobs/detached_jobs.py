"""Small long jobs for tests: trainings of seconds in processes of their own, and the workers that start them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from MSSoftSegLib.jobs.detached.folder import PROCESS, read_document
from MSSoftSegLib.library.datalist import write_datalist
from Testing.MSSoftSegLib.training.small_cases import write_small_cases
from Testing.patience import HANGING_S

CHECKOUT = Path(__file__).resolve().parents[3]
RECIPE = """
extends = "barilan-sl"
name = "small"
loss = [{ name = "soft-dice" }, { name = "soft-bce" }]
[network]
kind = "unet-2d"
widths = [8, 16]
[sampling]
mode = "slice"
size = [24, 24]
batch = 2
[training]
steps_per_epoch = 6
phases = [{ epochs = 4, rate = 1e-2 }]
seed = 3
checkpoint_steps = 4
average_decay = 0.9
[postprocessing]
calibrate = false
"""


def small_training(folder: Path, *, cases: int = 4) -> dict[str, object]:
    """A ``train`` document on small cases below the folder."""
    listed = write_datalist(write_small_cases(folder / "cases", cases, seed=11), folder / "cases.json")
    (folder / "small.toml").write_text(RECIPE, encoding="utf-8")
    return {
        "library": str(listed),
        "recipe": str(folder / "small.toml"),
        "out": str(folder / "model"),
        "device": "cpu",
        "precision": "32",
    }


class RealWorker:
    """The worker process as the panel starts it, in a process group that can be killed at once."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "MSSoftSegLib.jobs.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=quiet_environment(),
            text=True,
            start_new_session=True,
        )

    def ask(self, kind: str, spec: dict[str, object]) -> dict[str, object]:
        """The last event that one job is answered with."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"job": "asked", "kind": kind, "spec": spec}) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            event = json.loads(line)
            if event["event"] in ("result", "failed", "cancelled"):
                return dict(event)
        raise AssertionError("the worker ended without an answer")

    def kill_group(self) -> None:
        """Kill −9 everything in the worker's process group, as the end of a session does."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=HANGING_S)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()


def quiet_environment() -> dict[str, str]:
    """This process' variables, with one thread and this checkout's library."""
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"}


def process_of(folder: Path) -> int | None:
    """The process that works on a job, once there is one."""
    known = read_document(folder / PROCESS)
    return None if known is None else int(known["process"])


def kill(folder: Path, *, group: bool) -> None:
    """Kill −9 the process of a job, with what it started or alone."""
    process = process_of(folder)
    assert process is not None
    try:
        (os.killpg if group else os.kill)(process, signal.SIGKILL)
    except ProcessLookupError:
        return


def wait_until(condition):
    """Look until something is true; what it was then."""
    end = time.monotonic() + HANGING_S
    while not (found := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
    return found
