"""One undo for everything that the reader does to a result: decisions, threshold and strokes, in the order they were done."""

from __future__ import annotations

from dataclasses import dataclass

from MSSoftSegGUI.review.decisions import Decisions
from MSSoftSegLib.lesion.live.manual_edits import ManualEdits

# A step holds what differs from the one before it; strokes hold their voxels.
MOST_STEPS = 200


@dataclass(frozen=True, eq=False)
class ReviewState:
    """All of the reader's work at one moment."""

    threshold: float
    min_lesion_mm3: float
    decisions: Decisions
    edits: ManualEdits


class ReviewHistory:
    """What there was before each step, and what undoing took back."""

    def __init__(self, before: tuple[ReviewState, ...] = ()) -> None:
        """before: states that steps of an earlier session began with, the first one first."""
        self._done, self._undone = list(before), []

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step that was taken back."""
        return bool(self._undone)

    def remember(self, state: ReviewState) -> None:
        """A step begins with this state; what was taken back before can no longer be made again."""
        self._done.append(state)
        del self._done[:-MOST_STEPS]
        self._undone.clear()

    def undo(self, now: ReviewState) -> ReviewState | None:
        """The state before the last step, None without one."""
        if not self._done:
            return None
        self._undone.append(now)
        return self._done.pop()

    def redo(self, now: ReviewState) -> ReviewState | None:
        """The state after the step that was taken back last, None without one."""
        if not self._undone:
            return None
        self._done.append(now)
        return self._undone.pop()
