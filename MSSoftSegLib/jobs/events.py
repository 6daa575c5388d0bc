"""Events: what a job says while it runs, one JSON object each (Docs/contract.md section 3)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from MSSoftSegLib.errors import JobCancelled

Event = dict[str, Any]
Emit = Callable[[Event], None]


@dataclass(frozen=True)
class StageTime:
    """Wall time that one stage took."""

    name: str
    seconds: float


class Reporter:
    """Tells a job's progress: stages in order, each with a share of the whole; ``overall`` never goes back.

    Every report is also the point at which a cancellation takes effect.
    """

    def __init__(
        self, job: str, shares: Mapping[str, float], emit: Emit, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        total = sum(shares.values())
        self.job, self.emit, self.cancelled = job, emit, cancelled
        self.shares = {stage: share / total for stage, share in shares.items()}
        self.overall = 0.0
        self._seconds: dict[str, float] = {}
        self._stage: str | None = None
        self._since = time.monotonic()

    def progress(self, stage: str, fraction: float, message: str = "") -> None:
        """Report a stage's fraction done (0–1); raises JobCancelled when the user asked to stop."""
        if self.cancelled():
            raise JobCancelled
        self._enter(stage)
        before = sum(share for name, share in self.shares.items() if self._precedes(name, stage))
        self.overall = min(1.0, max(self.overall, before + self.shares[stage] * fraction))
        self.emit(
            {
                "event": "progress",
                "job": self.job,
                "stage": stage,
                "fraction": round(fraction, 4),
                "overall": round(self.overall, 4),
                "message": message,
            }
        )

    def _precedes(self, name: str, stage: str) -> bool:
        order = list(self.shares)
        return order.index(name) < order.index(stage)

    def _enter(self, stage: str) -> None:
        now = time.monotonic()
        if self._stage is not None:
            self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now

    def stage_times(self) -> tuple[StageTime, ...]:
        """Seconds per stage so far, in order."""
        if self._stage is not None:
            self._enter(self._stage)
        return tuple(StageTime(name, self._seconds.get(name, 0.0)) for name in self.shares)

    def started(self, kind: str) -> None:
        """The job's first event."""
        self.emit({"event": "started", "job": self.job, "kind": kind, "stages": list(self.shares)})

    def metric(self, name: str, step: int, value: float) -> None:
        """Report one measured value at a training step."""
        self.emit({"event": "metric", "job": self.job, "name": name, "step": step, "value": value})

    def preview(self, path: str, summary: Event) -> None:
        """Say where a first answer lies, as long as the job runs."""
        self.emit({"event": "preview", "job": self.job, "path": path, "summary": summary})

    def result(self, path: str, summary: Event) -> None:
        """The job's last event when all went well."""
        self.emit({"event": "result", "job": self.job, "path": path, "summary": summary})


class _LogHandler(logging.Handler):
    def __init__(self, job: str, emit: Emit) -> None:
        super().__init__(logging.INFO)
        self.job, self.emit_event = job, emit

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname.lower()
        self.emit_event({"event": "log", "job": self.job, "level": level, "message": record.getMessage()})


@contextmanager
def send_logs_as_events(job: str, emit: Emit) -> Iterator[None]:
    """While this lasts, what MSSoftSegLib logs (info and above) becomes ``log`` events."""
    logger = logging.getLogger("MSSoftSegLib")
    handler = _LogHandler(job, emit)
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate
