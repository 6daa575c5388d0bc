"""How long the Qt event loop was blocked: the longest gap between ticks of a 10 ms timer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from PySide6 import QtCore

from Testing.patience import HANGING_S

TICK_MS = 10


@dataclass(frozen=True)
class Latency:
    """Gaps between ticks in ms, their longest, and how long it was watched.

    busy_ms: the processor time of this program in each gap, drawing threads included; where it is less than the gap, other
    programs had the processor, or it waited.
    """

    gaps_ms: tuple[float, ...]
    watched_s: float
    busy_ms: tuple[float, ...] = ()

    @property
    def longest_gap_ms(self) -> float:
        return max(self.gaps_ms, default=self.watched_s * 1000)


class LatencyProbe:
    """Watches while it is entered; what is done inside must let the event loop run."""

    def __enter__(self) -> LatencyProbe:
        self._ticks = [_now()]
        self._timer = QtCore.QTimer()
        self._timer.setTimerType(QtCore.Qt.PreciseTimer)
        self._timer.timeout.connect(lambda: self._ticks.append(_now()))
        self._timer.start(TICK_MS)
        return self

    def __exit__(self, *error) -> None:
        self._timer.stop()
        # A block that lasts to the end has no tick after it.
        self._ticks.append(_now())
        pairs = list(zip(self._ticks, self._ticks[1:], strict=False))
        gaps, busy = (tuple(1000 * (after[n] - before[n]) for before, after in pairs) for n in (0, 1))
        self.result = Latency(gaps, self._ticks[-1][0] - self._ticks[0][0], busy)


def _now() -> tuple[float, float]:
    """Seconds on the clock, and of this program on processors."""
    return time.perf_counter(), time.process_time()


def wait_until(condition: Callable[[], bool], timeout_s: float = HANGING_S, what: str = "the condition") -> None:
    """Let the event loop run until the condition holds; timeout_s guards against one that never does."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come true within {timeout_s:g} s")
        QtCore.QCoreApplication.processEvents(QtCore.QEventLoop.AllEvents, 20)
        time.sleep(0.001)


def longest_gap_ms(work: Callable[[], object], *, until: Callable[[], bool] | None = None) -> float:
    """The longest block of the event loop while `work` runs in it and, if asked, until a condition holds."""
    done = []

    def run() -> None:
        try:
            work()
        finally:
            done.append(True)

    with LatencyProbe() as probe:
        QtCore.QTimer.singleShot(5 * TICK_MS, run)
        wait_until(lambda: bool(done), what="the work")
        if until is not None:
            wait_until(until)
    return probe.result.longest_gap_ms
