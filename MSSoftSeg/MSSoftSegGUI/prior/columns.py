"""The columns of the table of changes: heads with units, and cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from MSSoftSegGUI.prior.comparison import ChangeRow
from MSSoftSegGUI.prior.reading import ReadingView, say_class
from MSSoftSegGUI.widgets.translation import tr as _


@dataclass(frozen=True)
class ChangeColumn:
    """text: of the cell of a row."""

    title: str
    unit: str
    hint: str
    text: Callable[[ReadingView, ChangeRow], str]

    @property
    def head(self) -> str:
        """Title and unit, one above the other: the panel is narrow."""
        return f"{self.title}\n{self.unit}"


def change_columns() -> tuple[ChangeColumn, ...]:
    """All of them, in the order of the table."""
    return (
        ChangeColumn(
            # The panel is narrow.
            _("P"),
            "0–1",
            _("P(change): how likely the lesion changed, 1 = surely. It orders lesions; – = nothing could be compared"),
            lambda view, row: "–" if row.p_change is None else f"{row.p_change:.2f}",
        ),
        ChangeColumn(
            _("Change"),
            "",
            _("What became of the lesion, as you say or else as it was found"),
            lambda view, row: say_class(view.change_of(row)),
        ),
        ChangeColumn(
            _("Volume"),
            "mm³",
            _("Volume at the earlier and at the later visit, in mm³"),
            lambda view, row: f"{_volume(row.before_mm3)} → {_volume(row.after_mm3)}",
        ),
        ChangeColumn(
            _("Place"),
            "",
            _("Where the lesion lies, as its run found it"),
            lambda view, row: row.region.replace("_", " "),
        ),
        ChangeColumn(
            _("Decision"), "", _("What you said of it; empty = nothing yet"), lambda view, row: _word(view, row)
        ),
    )


def _volume(mm3: float) -> str:
    return f"{mm3:.0f}" if mm3 >= 10 or not mm3 else f"{mm3:.1f}"


def _word(view: ReadingView, row: ChangeRow) -> str:
    words = {"accepted": _("accepted"), "rejected": _("rejected"), "reclassed": _("was {change}")}
    return words.get(view.decision_of(row), "").format(change=say_class(row.change))
