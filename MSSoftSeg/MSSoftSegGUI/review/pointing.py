"""What a finger in a view points at: a lesion of the model, one that was drawn, or a place from which one grows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from MSSoftSegGUI.review.lesion_rows import LesionRow
from MSSoftSegGUI.review.material import ReviewMaterial
from MSSoftSegLib.exam.label_values import LESION
from MSSoftSegLib.lesion.live.growth import Place, find_connected_part, grow_lesion
from MSSoftSegLib.lesion.live.manual_edits import ManualEdits
from MSSoftSegLib.lesion.live.threshold import LiveInstances, LiveThreshold


@dataclass(frozen=True, eq=False)
class GrownFrom:
    """What grew last: from which voxel (k, j, i), and what was painted before."""

    place: Place
    before: ManualEdits


@dataclass(frozen=True, eq=False)
class Pointing:
    """A review as it is shown. labels: uint8 (k, j, i); rows: of its table."""

    labels: np.ndarray
    instances: LiveInstances
    live: LiveThreshold
    rows: tuple[LesionRow, ...]
    material: ReviewMaterial

    def model_row_at(self, place: Place) -> LesionRow | None:
        """The row of the model's lesion that holds a voxel."""
        number = self.instances.number_at(int(np.ravel_multi_index(place, self.labels.shape)))
        return self._row(number)

    def row_at(self, place: Place) -> LesionRow | None:
        """The row of the lesion that holds a voxel, be it the model's or drawn, or of what its paint is joined to."""
        found = self.model_row_at(place)
        if found is not None or self.labels[place] != LESION:
            return found
        part = find_connected_part(self.labels, place)
        drawn = next((row for row in self.rows if row.origin == "drawn" and row.anchor in part), None)
        return drawn or self._row(self._largest_of(part))

    def is_only_lesion_of(self, part: np.ndarray, row: LesionRow) -> bool:
        """Whether a connected part (flat indices) holds voxels of this lesion of the model and of no other."""
        numbers = self._numbers(part)
        return set(numbers[numbers > 0].tolist()) == {row.number}

    def grown(self, growth: GrownFrom, radius_mm: float) -> ManualEdits:
        """The edits with what grows there; a lesion that was rejected does not come back by it."""
        spacing_mm = tuple(np.linalg.norm(self.material.ras_from_ijk[:3, :3], axis=0)[::-1].tolist())
        voxels = grow_lesion(self.material.probability, growth.place, spacing_mm=spacing_mm, radius_mm=radius_mm)
        rejected = [row.number for row in self.rows if row.status == "rejected"]
        return growth.before.with_lesion(voxels[~np.isin(self._numbers(voxels), rejected)])

    def _row(self, number: int) -> LesionRow | None:
        return next((row for row in self.rows if number and row.number == number), None)

    def _numbers(self, voxels: np.ndarray) -> np.ndarray:
        (numbers,) = self.live.numbers_at(self.instances, [voxels])
        return numbers

    def _largest_of(self, part: np.ndarray) -> int:
        numbers = self._numbers(part)
        return int(np.bincount(numbers[numbers > 0]).argmax()) if numbers.any() else 0
