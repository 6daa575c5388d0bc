"""The probabilistic map of regions of one exam."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.region.regions import REGIONS, VENTRICLES, Region


@dataclass(frozen=True)
class RegionMap:
    """On the working grid, by region: the probability of being part of it, float32, 0–1; their sum is 1 in the brain, 0 outside.

    A region that a user's own segmentation does not know is 0 everywhere. source: who drew it, in words for the report.
    """

    probability: Mapping[Region, sitk.Image]
    source: str

    @property
    def grid(self) -> Grid:
        """The working grid."""
        return Grid.of(next(iter(self.probability.values())))

    def array(self, *regions: Region) -> np.ndarray:
        """The probability of being in any of these regions, float32 (z, y, x)."""
        stacked = np.stack([voxels(self.probability[region]) for region in regions])
        return np.asarray(stacked.sum(axis=0, dtype=np.float32))

    def labels(self) -> sitk.Image:
        """The most probable region of each voxel, uint8, labels of Region."""
        best = np.zeros(self.grid.size[::-1], np.float32)
        label = np.zeros(best.shape, np.uint8)
        for region in REGIONS:
            probability = self.array(region)
            better = probability > best
            label[better], best[better] = region, probability[better]
        return self.grid.image(label)

    def ventricles(self) -> np.ndarray:
        """The probability of being in a ventricle, float32 (z, y, x)."""
        return self.array(*VENTRICLES)
