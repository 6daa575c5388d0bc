"""Who looked at a result, and how far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Review:
    """reviewer: "" = nobody said. decided: how many of the model's lesions were accepted or rejected. day: of the report.

    placed_anew: lesions that were drawn or changed and have their place by the exam's regions; outside: those that lie mostly
    outside the brain; regions_problem: why none could be placed anew, a clause.
    """

    reviewer: str
    decided: int
    lesions: int
    day: date
    placed_anew: int = 0
    outside: int = 0
    regions_problem: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether every lesion of the model was decided on."""
        return self.decided == self.lesions

    @property
    def text(self) -> str:
        """In one sentence."""
        who = self.reviewer or "a reader who gave no name"
        noun = "lesion" if self.lesions == 1 else "lesions"
        return f"Reviewed by {who}, {self.decided} of {self.lesions} {noun} decided, {self.day.isoformat()}."
