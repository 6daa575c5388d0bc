"""Long work in the event loop, done in turns: no turn is longer than a blink, so that the panel stays alive meanwhile.

Work is a generator that yields where it may be interrupted (``MSSoftSegLib.stepwise``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from MSSoftSegGUI.worker.processes import Later
from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.stepwise import Work

# Steps are done one after the other until this is used up: small results open at once.
CHUNK_S = 0.03
# What reading files and nodes raises; anything else is a mistake of ours and is to be seen as one.
PROBLEMS = (OSError, ValueError, RuntimeError, MSSoftSegError)


class ChunkedWork:
    """At most one piece of work at a time; a new one takes the place of the one before."""

    def __init__(self, later: Later, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._later, self._clock = later, clock
        self._work: Work[Any] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether work is under way."""
        return self._work is not None

    def start(self, work: Work[Any], on_problem: Callable[[Exception], None]) -> None:
        """Begin, at once; on_problem gets what stopped it."""
        self.stop()
        self._work = work
        self._go_on(work, on_problem)

    def stop(self) -> None:
        """Leave the work where it is."""
        work, self._work = self._work, None
        # A generator that stops itself, by what it does to the scene, ends by itself.
        if work is not None and not work.gi_running:
            work.close()

    def _go_on(self, work: Work[Any], on_problem: Callable[[Exception], None]) -> None:
        end = self._clock() + CHUNK_S
        try:
            while work is self._work:
                next(work)
                if self._clock() >= end:
                    self._later(0.0, lambda: self._go_on(work, on_problem))
                    return
        except StopIteration:
            if work is self._work:
                self._work = None
        except PROBLEMS as problem:
            if work is self._work:
                self._work = None
                on_problem(problem)
