"""The lesion table: one row per lesion, least certain first, with the words and numbers that its cells show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from MSSoftSegGUI.review.decisions import Status
from MSSoftSegGUI.scene.review_facts import NOWHERE, LesionPlaceFacts
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegLib.lesion.live.threshold import LiveInstances


@dataclass(frozen=True)
class LesionRow:
    """One lesion. number: as in the instances, largest lesion first. place_ras_mm: a voxel of the lesion, near its center.

    lsu: None where no lesion at the model's threshold corresponds. origin "drawn": painted by hand, apart from any other.
    longest_axis_mm: None while the slider is held. place: of the lesion as it is in the mask, once the worker has said it
    (is_placed); till then of the one at the model's threshold that corresponds. voxels: which ones it has in the mask, with
    what was painted onto it, as a digest; "" for a rejected one, and while the slider is held.
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
    longest_axis_mm: float | None = None
    place: LesionPlaceFacts = NOWHERE
    voxels: str = ""
    is_placed: bool = True

    @property
    def status_text(self) -> str:
        """The decision in a word."""
        if self.origin == "drawn":
            return _("drawn")
        return {"undecided": "", "accepted": _("accepted"), "rejected": _("rejected")}[self.status]


def list_lesions(rows: Iterable[LesionRow]) -> tuple[LesionRow, ...]:
    """One row of each lesion of the mask: without rejected ones, and once where paint has joined several of the model's."""
    first = {row.voxels or str(row.number): row for row in reversed(tuple(rows)) if row.status != "rejected"}
    return tuple(reversed(first.values()))


def sort_by_certainty(rows: list[LesionRow]) -> tuple[LesionRow, ...]:
    """Rows by falling LSU, then falling entropy, then number, as the report has it; an unknown LSU counts as 1."""
    return tuple(
        sorted(rows, key=lambda row: (-(row.lsu if row.lsu is not None else 1.0), -row.mean_entropy_nats, row.number))
    )


def find_partners(instances: LiveInstances, original: LiveInstances) -> tuple[int, ...]:
    """For each lesion the number of the original lesion that it shares most voxels with, 0 = none.

    The members' maps are not kept with a result, so what they said of other thresholds cannot be computed afresh.
    """
    if (instances.threshold, instances.count) == (original.threshold, original.count):
        return tuple(range(1, instances.count + 1))
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
    return tuple(best[n][1] if n in best else 0 for n in range(1, instances.count + 1))
