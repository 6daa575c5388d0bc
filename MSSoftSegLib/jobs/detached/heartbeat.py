"""Signs of life: a file that a thread touches while a job runs, and a look whether the job's folder is still there."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from MSSoftSegLib.jobs.detached.folder import HEARTBEAT, JOB

BEAT_S = 3.0


@contextmanager
def keep_beating(folder: Path, *, every_s: float = BEAT_S) -> Iterator[threading.Event]:
    """Touches the heartbeat while the block runs; the event is set once the job's folder is gone."""
    gone, over = threading.Event(), threading.Event()

    def beat() -> None:
        while True:
            if not (folder / JOB).is_file():
                gone.set()
                return
            _touch(folder / HEARTBEAT)
            if over.wait(every_s):
                return

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield gone
    finally:
        over.set()
        thread.join(timeout=2 * every_s)


def _touch(path: Path) -> None:
    """A new time needs no space: it is there on a full disk too, once the file is."""
    try:
        try:
            os.utime(path)
        except FileNotFoundError:
            path.touch()
    except OSError:
        return
