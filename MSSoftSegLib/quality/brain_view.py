"""The working exam as the checks see it: arrays inside the brain, and how deep in the brain each voxel lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.working_exam import WorkingExam

# Checks that need no detail look at every second millimeter: eight times less to compute.
COARSE_MM = 2.0


@dataclass(frozen=True)
class BrainView:
    """mask: bool (z, y, x) on the working grid; images: float32 on the same.

    step: every how many voxels ``coarse`` takes one; depth_mm: float32 on those, distance to the nearest voxel outside the
    brain, 0 outside.
    """

    grid: Grid
    mask: np.ndarray
    images: Mapping[Modality, np.ndarray]
    step: int
    depth_mm: np.ndarray

    @classmethod
    def of(cls, working: WorkingExam) -> BrainView:
        """The view of an exam; voxels that are not finite count as 0."""
        mask = voxels(working.brain_mask) > 0
        images = {
            modality: np.nan_to_num(voxels(image).astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
            for modality, image in working.images.items()
        }
        spacing_mm = working.grid.spacing_mm[0]
        step = max(1, round(COARSE_MM / spacing_mm))
        few = mask[::step, ::step, ::step]
        # A mask without an outside would have no depth.
        depth = ndimage.distance_transform_edt(np.pad(few, 1), sampling=step * spacing_mm)[1:-1, 1:-1, 1:-1]
        return cls(working.grid, mask, images, step, depth.astype(np.float32))

    @property
    def spacing_mm(self) -> float:
        """The working grid is isotropic."""
        return self.grid.spacing_mm[0]

    @property
    def coarse_mm(self) -> float:
        """Distance between the voxels of a coarse array."""
        return self.step * self.spacing_mm

    def coarse(self, modality: Modality) -> np.ndarray:
        """Every step-th voxel of an image, (z, y, x)."""
        return self.images[modality][:: self.step, :: self.step, :: self.step]

    def deeper_than(self, depth_mm: float) -> np.ndarray:
        """Voxels of the working grid that lie this deep, bool (z, y, x); exact to about two millimeters."""
        deep = self.depth_mm > depth_mm
        for axis in range(3):
            deep = deep.repeat(self.step, axis=axis)
        size_z, size_y, size_x = self.mask.shape
        return np.asarray(deep[:size_z, :size_y, :size_x] & self.mask)
