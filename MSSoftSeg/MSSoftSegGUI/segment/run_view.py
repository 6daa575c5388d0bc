"""What the panel shows of a run: one frozen picture per change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import ErrorCard

Phase = Literal["idle", "preparing", "running", "cancelling", "done", "failed", "cancelled"]
ACTIVE = ("preparing", "running", "cancelling")
# Below these an estimate would jump about.
FIRST_ESTIMATE_S, FIRST_ESTIMATE_SHARE = 4.0, 0.04
KEPT_LOG_LINES = 500


@dataclass(frozen=True)
class RunView:
    """One picture. percent: 0–100. log: the run's lines so far. note: what to know after it ended, else empty.

    case_name: whose run it is: meanwhile the reader may look at another exam.
    """

    phase: Phase = "idle"
    kind: str = "segment"
    case_name: str = ""
    stage_text: str = ""
    percent: float = 0.0
    remaining_text: str = ""
    error: ErrorCard | None = None
    log: tuple[str, ...] = ()
    note: str = ""
    note_kind: Literal["note", "warning"] = "note"

    @property
    def is_running(self) -> bool:
        """Whether a run is under way: the large button then cancels."""
        return self.phase in ACTIVE

    @property
    def button_text(self) -> str:
        """What the large button says."""
        if self.phase == "cancelling":
            return _("Cancelling…")
        return _("Cancel") if self.is_running else _("Segment")

    @property
    def button_enabled(self) -> bool:
        """Whether a click on the large button does something."""
        return self.phase != "cancelling"


def remaining_text(elapsed_s: float, share: float) -> str:
    """How long it will still take, roughly, in words; empty while nothing can be said. share: 0–1 done."""
    if elapsed_s < FIRST_ESTIMATE_S or share < FIRST_ESTIMATE_SHARE:
        return ""
    left_s = elapsed_s * (1.0 - share) / share
    if left_s < 10:
        return _("a few seconds left")
    if left_s < 55:
        return _("about {seconds} s left").format(seconds=round(left_s / 10) * 10)
    minutes = round(left_s / 60)
    return _("about a minute left") if minutes <= 1 else _("about {minutes} min left").format(minutes=minutes)
