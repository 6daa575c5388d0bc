"""The columns of the lesion table: heads with units, cells, and the order that a click on a head asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from MSSoftSegGUI.review.lesion_rows import LesionRow, sort_by_certainty
from MSSoftSegGUI.widgets.translation import tr as _

Value = float | str | None
STATUS_ORDER = ("undecided", "accepted", "rejected")


@dataclass(frozen=True)
class Column:
    """unit: "" = none. value: what is sorted by, None = not known, which comes last. is_place: only where regions were found.

    tip: what a cell says under the mouse, "" for nothing. is_first_shown: before the reader chose columns.
    """

    key: str
    title: str
    unit: str
    hint: str
    text: Callable[[LesionRow], str]
    value: Callable[[LesionRow], Value]
    is_place: bool = False
    tip: Callable[[LesionRow], str] = lambda _row: ""
    is_first_shown: bool = True

    @property
    def head(self) -> str:
        """Title and unit, one above the other: the panel is narrow."""
        return f"{self.title}\n{self.unit}"


def list_columns() -> tuple[Column, ...]:
    """All of them, in the order of the table."""
    return (
        Column("number", _("No."), "", _("Number of the lesion, largest first"), _number_text, lambda row: row.number),
        Column(
            "volume",
            _("Volume"),
            "mm³",
            _("Volume of the lesion at this threshold, in mm³"),
            lambda row: f"{row.volume_mm3:.0f}" if row.volume_mm3 >= 10 else f"{row.volume_mm3:.1f}",
            lambda row: row.volume_mm3,
        ),
        Column(
            "axis",
            _("Axis"),
            "mm",
            _("Longest axis of the lesion, in mm; within a slice where slices are thick"),
            lambda row: _length(row.longest_axis_mm),
            lambda row: row.longest_axis_mm,
        ),
        *_model_columns(),
        *_place_columns(),
        Column(
            "decision",
            _("Decision"),
            "",
            _("Accepted, rejected, drawn by hand, or empty: still to be looked at"),
            lambda row: row.status_text,
            lambda row: STATUS_ORDER.index(row.status) + (row.origin == "drawn") / 2,
        ),
    )


def sort_rows(rows: tuple[LesionRow, ...], key: str, *, descending: bool) -> tuple[LesionRow, ...]:
    """Rows by a column; "" = least certain first. Equal ones and unknown ones stay least certain first."""
    rows = sort_by_certainty(list(rows))
    column = next((each for each in list_columns() if each.key == key), None)
    if column is None:
        return rows
    known = [row for row in rows if column.value(row) not in (None, "")]
    known.sort(key=column.value, reverse=descending)  # type: ignore[arg-type]
    return (*known, *(row for row in rows if column.value(row) in (None, "")))


def _model_columns() -> tuple[Column, ...]:
    return (
        Column(
            "probability",
            _("Prob."),
            "0–1",
            _("Mean probability over the lesion: 0–1, 1 = surely lesion"),
            lambda row: f"{row.mean_probability:.2f}",
            lambda row: row.mean_probability,
        ),
        Column(
            "entropy",
            _("Entropy"),
            "nats",
            _("Mean entropy over the lesion, in nats: 0 = sure, 0.69 = lesion and no lesion are equally likely"),
            lambda row: f"{row.mean_entropy_nats:.2f}",
            lambda row: row.mean_entropy_nats,
            is_first_shown=False,
        ),
        Column(
            "disagreement",
            _("Disagr."),
            "0–1",
            _(
                "Disagreement: how far single passes of the model (mirrored images, members) differ about the extent of this "
                "lesion: 0 = they agree, 1 = they share nothing (lesion structural uncertainty). The table begins with the "
                "highest; – = not known: after a single pass, or for a lesion that is none at the model’s own threshold."
            ),
            lambda row: f"{row.lsu:.2f}" if row.lsu is not None else "–",
            lambda row: row.lsu,
        ),
    )


def _place_columns() -> tuple[Column, ...]:
    return (
        Column(
            "region",
            _("Place"),
            "",
            _("Where the lesion lies, as the model's own run found it; drawn and changed ones by the same regions"),
            _place_text,
            lambda row: row.place.region,
            is_place=True,
            tip=_place_tip,
        ),
        Column(
            "ventricle",
            _("Ventricle"),
            "mm",
            _("Shortest distance from the lesion to a ventricle, in mm"),
            lambda row: _length(row.place.ventricle_distance_mm),
            lambda row: row.place.ventricle_distance_mm,
            is_place=True,
            is_first_shown=False,
        ),
        Column(
            "cortex",
            _("Cortex"),
            "mm",
            _("Shortest distance from the lesion to the cortex, in mm"),
            lambda row: _length(row.place.cortex_distance_mm),
            lambda row: row.place.cortex_distance_mm,
            is_place=True,
            is_first_shown=False,
        ),
    )


def _number_text(row: LesionRow) -> str:
    return str(row.number)


def _place_text(row: LesionRow) -> str:
    """The first of its places; its tip names the others."""
    region, more = row.place.region.replace("_", " "), len(row.place.places) - 1
    return _("{region} +{more}").format(region=region, more=more) if more > 0 else region


def _place_tip(row: LesionRow) -> str:
    """The place in full, which the column may have no room for, and the distances, which are hidden at first."""
    place = row.place
    if not place.region:
        return ""
    distances = _("{ventricle} mm from a ventricle, {cortex} mm from the cortex").format(
        ventricle=_length(place.ventricle_distance_mm), cortex=_length(place.cortex_distance_mm)
    )
    text = f"{', '.join(place.places).replace('_', ' ')}: {distances}"
    return text if row.is_placed else _("{place} (as the run found it; not yet as it is now)").format(place=text)


def _length(mm: float | None) -> str:
    return f"{mm:.1f}" if mm is not None else "–"
