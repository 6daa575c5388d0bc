"""What the panel shows of a run: one frozen picture per change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import ErrorCard

Phase = Literal["idle", "preparing", "running", "cancelling", "done", "failed", "cancelled"]
ACTIVE = ("preparing", "running", "cancelling")


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
