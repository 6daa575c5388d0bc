"""A trial's process ends with the study that started it, one that lived on would train beside its successor."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

STARTED_BY_STUDY = "MSSOFTSEG_TRIAL_OF_STUDY"


def start_process(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a process that calls ``end_with_the_study``; what it says goes into the log."""
    with log.open("wb") as said:
        # Nothing is ever written to its input: that it closes, as everything does of a killed process, tells it to end.
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=said, stderr=said, env={**environment, STARTED_BY_STUDY: "1"}
        )


def end_with_the_study() -> None:
    """End this process once the one that started it is gone; nothing happens to a trial that a person started."""
    if os.environ.get(STARTED_BY_STUDY):
        threading.Thread(target=_wait, name="study", daemon=True).start()


def _wait() -> None:
    while os.read(0, 1024):
        pass
    os._exit(1)
