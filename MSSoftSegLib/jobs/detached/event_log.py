"""The events of a long job on disk: one whole line each, and never a reason for the job to stop."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from MSSoftSegLib.jobs.detached.folder import EVENTS, LAST_EVENTS, RESERVE

RESERVE_BYTES = 16384
# How long the last event is tried to be written where the disk is full.
PATIENCE_S = 60.0


class EventLog:
    """Appends events to ``events.jsonl``.

    Where the disk is full, what the job says meanwhile is lost and counted; its last event takes the place of the reserve.
    """

    def __init__(self, folder: Path, *, patience_s: float = PATIENCE_S) -> None:
        self._folder, self._patience_s = folder, patience_s
        self._lock = threading.Lock()
        self._lost = 0
        self._descriptor = os.open(folder / EVENTS, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._end_torn_line()
        self._keep_reserve()

    def emit(self, event: dict[str, Any]) -> None:
        """Write one event; from any thread."""
        with self._lock:
            if event.get("event") in LAST_EVENTS:
                self._write_last(event)
                return
            if self._lost and self._append(self._loss(event)):
                self._lost = 0
            if not self._append(event):
                self._lost += 1

    def close(self) -> None:
        """Write no more; the reserve is not needed any longer."""
        os.close(self._descriptor)
        self._give_reserve_back()

    def _append(self, event: dict[str, Any]) -> bool:
        """Whether the event is there, whole."""
        line = (json.dumps(event) + "\n").encode()
        before = os.fstat(self._descriptor).st_size
        try:
            if os.write(self._descriptor, line) == len(line):
                return True
            os.ftruncate(self._descriptor, before)
        except OSError:
            self._cut(before)
        return False

    def _cut(self, size: int) -> None:
        try:
            if os.fstat(self._descriptor).st_size > size:
                os.ftruncate(self._descriptor, size)
        except OSError:
            # The next line then ends what stands there, and both are read as one that is torn.
            return

    def _write_last(self, event: dict[str, Any]) -> None:
        end_s = time.monotonic() + self._patience_s
        if self._append(event):
            return
        self._give_reserve_back()
        while not self._append(event) and time.monotonic() < end_s:
            time.sleep(1.0)

    def _loss(self, like: dict[str, Any]) -> dict[str, Any]:
        message = f"the disk of the job's folder was full: {self._lost} of its messages are lost"
        return {"event": "log", "job": like.get("job"), "level": "warning", "message": message}

    def _end_torn_line(self) -> None:
        """What a kill left unfinished becomes a line of its own, which readers pass over."""
        size = os.fstat(self._descriptor).st_size
        if size:
            os.lseek(self._descriptor, size - 1, os.SEEK_SET)
            if os.read(self._descriptor, 1) != b"\n":
                os.write(self._descriptor, b"\n")

    def _keep_reserve(self) -> None:
        try:
            (self._folder / RESERVE).write_bytes(b"\0" * RESERVE_BYTES)
        except OSError:
            self._give_reserve_back()

    def _give_reserve_back(self) -> None:
        try:
            (self._folder / RESERVE).unlink(missing_ok=True)
        except OSError:
            return
