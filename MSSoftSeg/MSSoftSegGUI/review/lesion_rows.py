"""The lesion table: one row per lesion, least certain first, with the words and numbers that its cells show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from MSSoftSegGUI.review.decisions import Status
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegLib.lesion.live.threshold import LiveInstances


@dataclass(frozen=True)
class LesionRow:
    """One lesion. number: as in the instances, largest lesion first. place_ras_mm: a voxel of the lesion, near its center.

    lsu: None where no lesion at the model's threshold corresponds. origin "drawn": painted by hand, apart from any other.
    """

    number: int
    volume_mm3: float
    max_probability: float
    mean_probability: float
    mean_entropy_nats: float
    lsu: float | None
    status: Status
    place_ras_mm: tuple[float, float, float]
    anchor: int
    origin: Literal["model", "drawn"] = "model"

    @property
    def texts(self) -> tuple[str, ...]:
        """The cells, in the order of ``column_titles``."""
        volume = f"{self.volume_mm3:.0f}" if self.volume_mm3 >= 10 else f"{self.volume_mm3:.1f}"
        lsu = f"{self.lsu:.2f}" if self.lsu is not None else "–"
        numbers = (f"{self.mean_probability:.2f}", f"{self.mean_entropy_nats:.2f}", lsu)
        return (str(self.number), volume, *numbers, self.status_text)

    @property
    def status_text(self) -> str:
        """The decision in a word."""
        if self.origin == "drawn":
            return _("drawn")
        return {"undecided": "", "accepted": _("accepted"), "rejected": _("rejected")}[self.status]


def column_titles() -> tuple[str, ...]:
    """The heads of the table's columns."""
    return (_("No."), _("Volume"), _("Probability"), _("Entropy"), _("Disagreement"), _("Decision"))


def column_hints() -> tuple[str, ...]:
    """What each column means and its unit, for its tool tip."""
    return (
        _("Number of the lesion, largest first"),
        _("Volume of the lesion at this threshold, in mm³"),
        _("Mean probability over the lesion: 0–1, 1 = surely lesion"),
        _("Mean entropy over the lesion, in nats: 0 = sure, 0.69 = lesion and no lesion are equally likely"),
        _(
            "How far single passes of the model (mirrored images, members) disagree about the extent of this lesion: "
            "0 = they agree, 1 = they share nothing (lesion structural uncertainty). The table begins with the highest; "
            "– = not known: after a single pass, or for a lesion that is none at the model’s own threshold."
        ),
        _("Accepted, rejected, drawn by hand, or empty: still to be looked at"),
    )


def least_certain_first(rows: list[LesionRow]) -> tuple[LesionRow, ...]:
    """Rows by falling LSU, then falling entropy, then number, as the report has it; an unknown LSU counts as 1."""
    return tuple(
        sorted(rows, key=lambda row: (-(row.lsu if row.lsu is not None else 1.0), -row.mean_entropy_nats, row.number))
    )


def carry_lsu(
    instances: LiveInstances, original: LiveInstances, lsu: tuple[float | None, ...]
) -> tuple[float | None, ...]:
    """For each lesion the LSU of the original lesion that it shares most voxels with.

    The members' maps are not kept with a result, so the LSU of other thresholds cannot be computed afresh.
    """
    if (instances.threshold, instances.count) == (original.threshold, original.count):
        return lsu
    # Both hold their voxels in the same order, most probable first: one is the beginning of the other.
    shared = min(len(instances.flat), len(original.flat))
    own, other = instances.number[:shared].astype(np.int64), original.number[:shared].astype(np.int64)
    both = (own > 0) & (other > 0)
    width = original.count + 1
    pairs, overlap = np.unique(own[both] * width + other[both], return_counts=True)
    best: dict[int, tuple[int, int]] = {}
    for pair, voxels in zip(pairs.tolist(), overlap.tolist(), strict=True):
        number, candidate = divmod(pair, width)
        if number not in best or voxels > best[number][0]:
            best[number] = (voxels, candidate)
    return tuple(lsu[best[n][1] - 1] if n in best else None for n in range(1, instances.count + 1))
