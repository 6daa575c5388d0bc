"""What a training has said so far, collected from its events: curves, progress, log, and how it ended."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from MSSoftSegGUI.worker.event_lines import KEPT_LOG_LINES, Event

CURVES = ("loss", "val_loss", "val_dice", "val_soft_dice", "base_dice")
LAST_EVENTS = ("result", "failed", "cancelled")
# More points than a plot has pixels only cost time.
MOST_POINTS = 4000


@dataclass
class TrainingLog:
    """One training as far as it has come.

    curves: (step, value) by metric. stage, message: what it is doing; overall: share done, 0–1. end: the event that it ended
    with, None while it goes on; what is said after an end is said by a training that was resumed.
    """

    curves: dict[str, list[tuple[int, float]]] = field(default_factory=lambda: {name: [] for name in CURVES})
    stage: str = ""
    message: str = ""
    overall: float = 0.0
    log: list[str] = field(default_factory=list)
    end: Event | None = None

    def hear(self, events: Iterable[Event]) -> bool:
        """Take in events in their order; whether there were any."""
        heard = False
        for event in events:
            heard = True
            self.end = event if event["event"] in LAST_EVENTS else None
            handler = getattr(self, f"_hear_{event['event']}", None)
            if handler is not None:
                handler(event)
        return heard

    @property
    def best(self) -> tuple[int, float] | None:
        """Step and DSC of the best validation so far."""
        points = self.curves["val_dice"]
        return max(points, key=lambda point: point[1]) if points else None

    def _hear_started(self, event: Event) -> None:
        self.stage, self.message, self.overall = "", "", 0.0

    def _hear_progress(self, event: Event) -> None:
        self.stage, self.message = str(event.get("stage", "")), str(event.get("message", ""))
        if _is_number(event.get("overall")):
            self.overall = min(1.0, max(0.0, float(event["overall"])))

    def _hear_metric(self, event: Event) -> None:
        curve, step, value = self.curves.get(str(event.get("name"))), event.get("step"), event.get("value")
        if curve is None or not _is_number(step) or not _is_number(value):
            return
        # A resumed training repeats what came after its checkpoint; the next member of an ensemble begins anew.
        while curve and curve[-1][0] >= step:
            curve.pop()
        curve.append((int(step), float(value)))
        if len(curve) > MOST_POINTS:
            del curve[1::2]

    def _hear_log(self, event: Event) -> None:
        self.log.append(str(event.get("message", "")))
        del self.log[:-KEPT_LOG_LINES]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
