"""A worker process and whoever speaks to it in lines of JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from Testing.patience import HANGING_S


class WorkerClient:
    """A worker process and its lines."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "MSSoftSegLib.jobs.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def send(self, request):
        self.process.stdin.write((request if isinstance(request, str) else json.dumps(request)) + "\n")
        self.process.stdin.flush()

    def next(self):
        line = self.process.stdout.readline()
        assert line, "the worker died"
        return json.loads(line)

    def until(self, *names):
        events = []
        while not events or events[-1]["event"] not in names:
            events.append(self.next())
        return events


@contextmanager
def open_worker() -> Iterator[WorkerClient]:
    """A worker that is gone when the block ends."""
    client = WorkerClient()
    try:
        yield client
    finally:
        client.process.kill()
        client.process.wait(timeout=HANGING_S)
