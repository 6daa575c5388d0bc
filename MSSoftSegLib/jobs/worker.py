"""The worker: one job per input line, events on standard output, alive until told to stop (Docs/contract.md section 3).

    python -m MSSoftSegLib.jobs.worker

Standard output carries events only: whatever else is printed there, by libraries or by compiled code, goes to stderr.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from typing import Any, TextIO

from MSSoftSegLib.errors import MSSoftSegError, RequestError, make_user_error
from MSSoftSegLib.jobs.events import Event
from MSSoftSegLib.jobs.readiness import load_ahead
from MSSoftSegLib.jobs.run import make_failed_event, parse_job, run

END, READY = object(), object()


def protect_stdout() -> TextIO:
    """A private copy of standard output; the public one, also of compiled code, becomes stderr."""
    sys.stdout.flush()
    private = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    return private


class Worker:
    """Reads requests in one thread, runs jobs one after the other in another."""

    def __init__(self, requests: TextIO, answers: TextIO) -> None:
        self.requests, self.answers = requests, answers
        self.waiting: queue.Queue[Any] = queue.Queue()
        self.cancelled: set[str] = set()
        self.lock = threading.Lock()

    def serve(self) -> None:
        """Answer requests until ``shutdown`` or the end of the input; jobs already accepted are then cancelled."""
        reader = threading.Thread(target=self._read, daemon=True)
        reader.start()
        while (request := self.waiting.get()) is not END:
            if request is READY:
                load_ahead(self.waiting.empty)
            else:
                self._run(request)

    def emit(self, event: Event) -> None:
        """Write one event as one line."""
        line = json.dumps(event)
        with self.lock:
            self.answers.write(line + "\n")
            self.answers.flush()

    def _read(self) -> None:
        try:
            for line in self.requests:
                if line.strip() and not self._accept(line):
                    break
        finally:
            self.stopping = True
            self.waiting.put(END)

    stopping = False

    def _accept(self, line: str) -> bool:
        """Take one request; False when it asks to stop."""
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            self.emit(
                make_failed_event(
                    None, RequestError("the line is not valid JSON", remedy="send one JSON object a line")
                )
            )
            return True
        if not isinstance(request, dict):
            self.emit(
                make_failed_event(
                    None, RequestError("the line is no JSON object", remedy="send one JSON object a line")
                )
            )
        elif "ping" in request:
            self.emit({"event": "pong"})
        elif "get_ready" in request:
            self.waiting.put(READY)
        elif "cancel" in request:
            self.cancelled.add(str(request["cancel"]))
        elif "shutdown" in request:
            return False
        else:
            self.waiting.put(request)
        return True

    def _run(self, document: dict[str, Any]) -> None:
        name = str(document.get("job")) if document.get("job") is not None else None
        try:
            job = parse_job(document)
            run(job, self.emit, cancelled=lambda: self.stopping or job.job in self.cancelled)
        except MSSoftSegError as problem:
            self.emit(make_failed_event(name, problem))
        except Exception as problem:
            self.emit(make_failed_event(name, make_user_error(problem)))
        finally:
            self.cancelled.discard(name or "")


def main() -> None:
    """Serve standard input."""
    Worker(sys.stdin, protect_stdout()).serve()


if __name__ == "__main__":
    main()
