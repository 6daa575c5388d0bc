"""Dissemination in space of the lesions that are in the mask: a count of places; what a brain exam does not show is entered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from MSSoftSegGUI.review.lesion_rows import LesionRow, list_lesions
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegLib.region.choices import Entered
from MSSoftSegLib.region.dissemination import BRAIN_PLACES, STATEMENT, dissemination
from MSSoftSegLib.region.regions import Place


@dataclass(frozen=True)
class CountedLesion:
    """What is counted of a lesion."""

    id: int
    longest_axis_mm: float
    membership: Mapping[Place, float]


def say_dissemination(rows: Iterable[LesionRow], entered: Mapping[str, Entered]) -> str:
    """Both definitions' counts in the words of the report, without rejected lesions; "" where no lesion's places are known."""
    placed = [row for row in rows if row.place.membership]
    if not placed:
        return ""
    lesions = [
        CountedLesion(
            row.number, row.longest_axis_mm or 0.0, {each: row.place.membership[each] for each in BRAIN_PLACES}
        )
        for row in list_lesions(placed)
    ]
    lines = [
        _("Definition of {year} ({authors}): probability {probability:.2f} of at least 2 of {count} places").format(
            year=answer.definition.name,
            # As cited, up to the journal.
            authors=answer.definition.citation.split(",")[0],
            count=answer.definition.place_count,
            probability=answer.probability,
        )
        for answer in dissemination(lesions, entered)
    ]
    note = _(
        "Nothing is diagnosed here: places are counted. Those not entered count as free; lesions of unknown place are left out."
    )
    return "\n".join([_("Dissemination in space: {statement}.").format(statement=STATEMENT), *lines, note])
