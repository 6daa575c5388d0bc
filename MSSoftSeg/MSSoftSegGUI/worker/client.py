"""The panel's side of the worker: a process that starts on first use, takes one job at a time and may die at any moment.

Every job that is submitted ends with exactly one of ``result``, ``failed``, ``cancelled``, whatever the process does.
Nothing here waits: answers come through the event loop.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Any

from MSSoftSegGUI.worker.end import make_crashed_event, make_failed_to_start_event
from MSSoftSegGUI.worker.event_lines import Event, EventLines
from MSSoftSegGUI.worker.processes import Later, Process, ProcessCommand, ProcessEnd, ProcessFactory

LAST_EVENTS = ("result", "failed", "cancelled")
KEPT_GARBAGE, KEPT_BYTES = 200, 16_384


class _Job:
    """A job that has not ended."""

    def __init__(self, document: dict[str, Any], on_event: Callable[[Event], None]) -> None:
        self.document, self.on_event = document, on_event
        self.name = str(document["job"])
        self.cancelling = False


class WorkerClient:
    """One worker process at most. grace_s: how long a cancelled job may take to stop before the process is killed."""

    def __init__(
        self,
        command: Callable[[], ProcessCommand],
        make_process: ProcessFactory,
        later: Later,
        *,
        grace_s: float = 8.0,
    ) -> None:
        self._command, self._make_process, self._later, self._grace_s = command, make_process, later, grace_s
        self._process: Process | None = None
        self._lines = EventLines()
        self._waiting: deque[_Job] = deque()
        self._current: _Job | None = None
        self._pings: list[Callable[[bool], None]] = []
        self._said = b""
        self._stage = ""
        self._restart_wanted = False
        self._is_over = False

    @property
    def is_running(self) -> bool:
        """Whether a worker process is alive."""
        return self._process is not None

    @property
    def is_busy(self) -> bool:
        """Whether a job runs or waits."""
        return self._current is not None or bool(self._waiting)

    def submit(self, document: dict[str, Any], on_event: Callable[[Event], None]) -> None:
        """Run a job after those submitted before; on_event gets its events in order, never before this returns."""
        self._waiting.append(_Job(document, on_event))
        self._later(0.0, self._send_next)

    def wake(self, after_s: float = 0.0) -> None:
        """Have a process by then that has loaded what a segmentation needs, for somebody will soon ask for one. What goes
        wrong with it is for the first job to say."""
        self._later(after_s, self._get_ready)

    def cancel(self, name: str) -> None:
        """Stop a job: by a message, and after the grace period by killing the process tree."""
        for job in self._waiting:
            if job.name == name:
                self._waiting.remove(job)
                job.on_event({"event": "cancelled", "job": name})
                return
        job = self._current
        if job is None or job.name != name or job.cancelling:
            return
        job.cancelling = True
        self._write({"cancel": name})
        self._later(self._grace_s, lambda: self._lose_patience(job))

    def ping(self, answer: Callable[[bool], None], *, patience_s: float = 5.0) -> None:
        """Ask whether the worker answers, once; False when none runs, it dies, or patience ends."""
        waiting = [True]

        def once(alive: bool) -> None:
            if waiting.pop() if waiting else False:
                answer(alive)

        if self._process is None:
            self._later(0.0, lambda: once(False))
            return
        self._pings.append(once)
        self._write({"ping": 1})
        self._later(patience_s, lambda: once(False))

    def restart(self) -> None:
        """Take a fresh process for the next job (another interpreter, new packages); a running job is left to finish."""
        self._restart_wanted = True
        if self._current is None:
            self._leave_process()

    def shutdown(self) -> None:
        """Cancel everything and end the process: the module or the application closes. No event comes after this."""
        self._is_over = True
        self._waiting.clear()
        self._current = None
        self._leave_process()

    def details(self) -> str:
        """The last lines that the worker wrote beside its events, for "Copy details"."""
        return "\n".join([*self._error_lines(), *(f"not an event: {line}" for line in self._lines.garbage[-20:])])

    def _get_ready(self) -> None:
        if self._process is not None or self._is_over:
            return
        try:
            self._start()
        except (OSError, ImportError):
            self._process = None
            return
        self._write({"get_ready": 1})

    def _send_next(self) -> None:
        if self._current is not None or not self._waiting:
            return
        # One that died since the last job, before its end was announced, must not get this one.
        if self._restart_wanted or (self._process is not None and not self._process.is_running):
            self._leave_process()
        self._current = job = self._waiting.popleft()
        self._stage = ""
        try:
            if self._process is None:
                self._start()
        except (OSError, ImportError) as problem:
            self._process = None
            self._finish(job, make_failed_to_start_event(job.name, ProcessEnd(0, could_not_start=str(problem))))
            return
        self._write(job.document)

    def _start(self) -> None:
        self._process = process = self._make_process()
        self._lines, self._restart_wanted = EventLines(), False
        self._said = b""
        # A process that was left behind may still speak: what it says is for nobody.
        process.start(
            self._command(),
            on_output=lambda data: self._hear(data) if process is self._process else None,
            on_error_output=lambda data: self._hear_error(data) if process is self._process else None,
            on_end=lambda end: self._ended(end) if process is self._process else None,
        )

    def _leave_process(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.is_running:
            process.kill_tree()
        self._answer_pings(False)

    def _write(self, request: dict[str, Any]) -> None:
        if self._process is not None:
            self._process.write(json.dumps(request).encode("ascii") + b"\n")

    def _hear(self, data: bytes) -> None:
        for event in self._lines.feed(data):
            if event["event"] == "pong":
                self._answer_pings(True)
            else:
                self._hand_on(event)
        del self._lines.garbage[:-KEPT_GARBAGE]

    def _hand_on(self, event: Event) -> None:
        job = self._current
        if job is None or event.get("job") != job.name:
            return
        self._stage = str(event.get("stage", self._stage))
        if event["event"] in LAST_EVENTS:
            self._finish(job, event)
        else:
            job.on_event(event)

    def _hear_error(self, data: bytes) -> None:
        # Kept as bytes: a line may come in pieces.
        self._said = (self._said + data)[-KEPT_BYTES:]

    def _error_lines(self) -> tuple[str, ...]:
        return tuple(self._said.decode("utf-8", errors="replace").splitlines())

    def _finish(self, job: _Job, event: Event) -> None:
        self._current = None
        if self._waiting:
            self._later(0.0, self._send_next)
        job.on_event(event)

    def _lose_patience(self, job: _Job) -> None:
        if self._current is job:
            self._leave_process()
            self._finish(job, {"event": "cancelled", "job": job.name})

    def _ended(self, end: ProcessEnd) -> None:
        self._process = None
        self._answer_pings(False)
        job = self._current
        if job is None:
            return
        if job.cancelling:
            self._finish(job, {"event": "cancelled", "job": job.name})
        elif end.could_not_start:
            self._finish(job, make_failed_to_start_event(job.name, end))
        else:
            self._finish(job, make_crashed_event(job.name, end, stage=self._stage, said=self._error_lines()))

    def _answer_pings(self, alive: bool) -> None:
        pings, self._pings = self._pings, []
        for answer in pings:
            answer(alive)
