"""The lesions of a probability map at the slider's threshold: the same instances as the library's, in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from MSSoftSegLib.lesion.instances import EQUAL_VOLUME_TOLERANCE, MOST_INSTANCES
from MSSoftSegLib.lesion.live.component_forest import ComponentForest, grow_forest
from MSSoftSegLib.stepwise import finish

# The slider's ends. Lower, a map may hold the whole brain as candidates.
LOWEST_THRESHOLD, HIGHEST_THRESHOLD = 0.05, 0.95
# With more candidates than this the lowest threshold is raised, so that the slider stays live.
MOST_CANDIDATES = 120_000


@dataclass(frozen=True)
class LiveInstances:
    """Lesions at a threshold, numbered 1…count by falling size as the library numbers them.

    flat: flat index of each voxel ≥ threshold, most probable first. number: its lesion, 0 = in one that is too small.
    The arrays below have an entry per lesion, lesion 1 first. peak_flat: the most probable voxel.
    """

    threshold: float
    flat: np.ndarray
    number: np.ndarray
    voxel_count: np.ndarray
    max_probability: np.ndarray
    mean_probability: np.ndarray
    mean_entropy_nats: np.ndarray
    peak_flat: np.ndarray

    @property
    def count(self) -> int:
        """How many lesions."""
        return len(self.voxel_count)

    def voxels_of(self, number: int) -> np.ndarray:
        """Flat indices of one lesion, sorted."""
        return np.sort(self.flat[self.number == number])

    def number_at(self, flat_index: int) -> int:
        """The lesion that holds a voxel, 0 if none does."""
        found = np.flatnonzero(self.flat == flat_index)
        return int(self.number[found[0]]) if len(found) else 0


class LiveThreshold:
    """Prepared once per result. probability float32 0–1 and entropy nats, both (z, y, x)."""

    def __init__(
        self,
        probability: np.ndarray,
        entropy: np.ndarray,
        *,
        min_lesion_mm3: float,
        voxel_volume_mm3: float,
        model_threshold: float,
        forest: ComponentForest | None = None,
    ) -> None:
        """forest: of the probability, from ``lowest_threshold`` on; grown here where it is not given."""
        self.shape = probability.shape
        self.voxel_volume_mm3 = voxel_volume_mm3
        self._min_lesion_mm3 = min_lesion_mm3
        self.lowest = lowest_threshold(probability, model_threshold)
        self.forest = forest or finish(grow_forest(probability, lowest=self.lowest))
        self._entropy = entropy.ravel()[self.forest.flat].astype(np.float64)
        self._probability = self.forest.value.astype(np.float64)
        self._numbers = np.zeros(probability.size, np.int32)

    def at(self, threshold: float, *, min_lesion_mm3: float | None = None) -> LiveInstances:
        """The lesions at a threshold ≥ ``lowest``, of at least this volume; None = as it was prepared with."""
        smallest = self._min_lesion_mm3 if min_lesion_mm3 is None else min_lesion_mm3
        found = self.forest.components(threshold)
        size = np.bincount(found.label, minlength=found.count)
        first = np.full(found.count, np.iinfo(np.int64).max)
        np.minimum.at(first, found.label, found.flat)
        kept = np.flatnonzero(size * self.voxel_volume_mm3 >= smallest * (1 - EQUAL_VOLUME_TOLERANCE))
        order = kept[np.lexsort((first[kept], -size[kept]))][:MOST_INSTANCES]
        number_of = np.zeros(found.count, np.int32)
        number_of[order] = np.arange(1, len(order) + 1)
        number = number_of[found.label]
        return self._measured(threshold, found.flat, number, size[order])

    def _measured(self, threshold: float, flat: np.ndarray, number: np.ndarray, size: np.ndarray) -> LiveInstances:
        active, count = len(flat), len(size)

        def mean(values: np.ndarray) -> np.ndarray:
            return np.bincount(number, weights=values[:active], minlength=count + 1)[1:] / size

        # The first voxel of each lesion is its most probable one.
        peak = np.full(count + 1, active, np.int64)
        np.minimum.at(peak, number, np.arange(active))
        return LiveInstances(
            threshold=threshold,
            flat=flat,
            number=number,
            voxel_count=size,
            max_probability=self._probability[peak[1:]],
            mean_probability=mean(self._probability),
            mean_entropy_nats=mean(self._entropy),
            peak_flat=flat[peak[1:]] if count else np.zeros(0, np.int64),
        )

    def numbers_at(self, instances: LiveInstances, flats: Sequence[np.ndarray]) -> list[np.ndarray]:
        """For each array of flat indices the lesion numbers at these voxels, 0 where there is none."""
        # One array of the whole image is kept: making it anew costs more than everything else here.
        self._numbers[instances.flat] = instances.number
        found = [self._numbers[flat] for flat in flats]
        self._numbers[instances.flat] = 0
        return found

    def above(self, threshold: float) -> int:
        """How many voxels are ≥ threshold: the first ones of every ``flat``."""
        return self.forest.active(threshold)


def lowest_threshold(probability: np.ndarray, model_threshold: float) -> float:
    """The lowest threshold that leaves no more candidates than a slider can carry; the model's own is always allowed."""
    candidates = probability[probability >= LOWEST_THRESHOLD]
    if len(candidates) <= MOST_CANDIDATES:
        return min(LOWEST_THRESHOLD, model_threshold)
    limit = float(np.partition(candidates, -MOST_CANDIDATES)[-MOST_CANDIDATES])
    return min(HIGHEST_THRESHOLD, float(np.ceil(limit * 100)) / 100, model_threshold)
