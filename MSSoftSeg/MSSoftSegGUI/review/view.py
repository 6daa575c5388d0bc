"""What the review panel shows: one frozen picture per change."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from MSSoftSegGUI.review.lesion_rows import LesionRow, list_lesions
from MSSoftSegGUI.widgets.translation import tr as _


@dataclass(frozen=True)
class ReviewView:
    """rows: as the table has them. order: by which column, "" = least certain first, and whether falling.

    selected: number of the selected lesion, 0 = none. count and volume_ml are of the mask as it is shown: without rejected
    lesions, with edits. rows_final is False while a slider is held.
    """

    threshold: float
    rows: tuple[LesionRow, ...] = ()
    selected: int = 0
    count: int = 0
    volume_ml: float = 0.0
    volume_interval_ml: tuple[float, float] | None = None
    undecided: int = 0
    can_undo: bool = False
    can_redo: bool = False
    rows_final: bool = True
    min_lesion_mm3: float = 0.0
    order: tuple[str, bool] = ("", False)

    @property
    def summary_text(self) -> str:
        """Count and volume; at the model's own threshold also the range over its single passes."""
        lesions = _("1 lesion") if self.count == 1 else _("{count} lesions").format(count=self.count)
        volume = _("{volume:.2f} ml").format(volume=self.volume_ml)
        low, high = self.volume_interval_ml or (0.0, 0.0)
        if high > low:
            volume += _(" (single passes: {low:.2f}–{high:.2f} ml)").format(low=low, high=high)
        return f"{lesions} · {volume}"

    @property
    def regions_text(self) -> str:
        """How many lesions lie where, without rejected ones, most first; "" where the run looked for no regions.

        As in the report, a lesion that lies in two places counts in both.
        """
        lesions = list_lesions(self.rows)
        counted = Counter(place for row in lesions for place in row.place.places)
        unknown = sum(not row.place.places for row in lesions)
        if not counted:
            return ""
        parts = [f"{region.replace('_', ' ')} {count}" for region, count in sorted(counted.items(), key=_most_first)]
        return " · ".join([*parts, *([_("place not known {count}").format(count=unknown)] if unknown else [])])

    @property
    def unplaced(self) -> frozenset[str]:
        """The lesions that nobody has said yet where they lie, by the digests of their voxels."""
        return frozenset(row.voxels for row in self.rows if row.voxels and not row.is_placed)

    @property
    def lesions(self) -> int:
        """How many lesions of the model there are to be decided on."""
        return sum(row.origin == "model" for row in self.rows)

    @property
    def progress_text(self) -> str:
        """How far the review is."""
        total = self.lesions
        if not total:
            return ""
        return _("{done} of {total} reviewed").format(done=total - self.undecided, total=total)

    def row_of(self, number: int) -> LesionRow | None:
        """The row of a lesion."""
        return next((row for row in self.rows if row.number == number), None)


def _most_first(counted: tuple[str, int]) -> tuple[int, str]:
    region, count = counted
    return -count, region
