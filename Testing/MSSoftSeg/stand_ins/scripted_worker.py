"""A desk worker that answers what a test says, and a clock that stands still: for presenters without Qt and Slicer."""

from __future__ import annotations

from MSSoftSegGUI.worker.short_jobs import ShortJobs

from MSSoftSegLib.jobs.run import parse_job


class ScriptedWorker:
    """Takes jobs, which it holds against the schema of the real one, and lets the test answer."""

    def __init__(self) -> None:
        self.documents: list[dict] = []
        self.cancelled: list[str] = []
        self._listeners: list = []

    def submit(self, document, on_event) -> None:
        parse_job(document)
        self.documents.append(document)
        self._listeners.append(on_event)

    def cancel(self, name: str) -> None:
        self.cancelled.append(name)

    def details(self) -> str:
        return "last words of the worker"

    def spec(self, number: int = -1) -> dict:
        """What a job asked for."""
        return self.documents[number]["spec"]

    @property
    def kinds(self) -> list[str]:
        """The kinds of all jobs so far."""
        return [document["kind"] for document in self.documents]

    def answer(self, number: int = -1, **summary) -> None:
        """A job ends well."""
        self._tell(number, event="result", path="x", summary=summary)

    def fail(self, number: int = -1, *, code="job-failed", message="it broke", remedy="") -> None:
        """A job fails."""
        self._tell(number, event="failed", code=code, message=message, remedy=remedy)

    def _tell(self, number: int, **event) -> None:
        self._listeners[number]({"job": self.documents[number]["job"], **event})


class Clock:
    """Callbacks wait until the test lets time pass."""

    def __init__(self) -> None:
        self.now, self._timers = 0.0, []

    def later(self, seconds: float, callback) -> None:
        self._timers.append((self.now + seconds, callback))

    def pass_time(self, seconds: float) -> None:
        """Let so many seconds pass."""
        end = self.now + seconds
        while due := [timer for timer in self._timers if timer[0] <= end]:
            first = min(due, key=lambda timer: timer[0])
            self._timers.remove(first)
            self.now = first[0]
            first[1]()
        self.now = end


def short_jobs() -> tuple[ScriptedWorker, ShortJobs]:
    """A worker and who asks it."""
    worker = ScriptedWorker()
    return worker, ShortJobs(worker)
