"""Images of different sharpness differ at every edge: each is blurred until both are as blurred as either."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.change.halfway import HalfWay
from MSSoftSegLib.change.visit import Visit
from MSSoftSegLib.exam.linear import chain_transforms, matrix_of
from MSSoftSegLib.exam.modality import Modality

# Noise of single voxels is no change: both images are smoothed by this at least.
LEAST_SIGMA_MM = 0.8
# A box of width w has the variance w²/12.
BOX_VARIANCE = 1 / 12


def common_blur_mm(before: Visit, after: Visit, half_way: HalfWay) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian widths (SD in mm along x, y, z of the space between) for the earlier and the later image.

    The voxel's box counts as its blur; oblique slices count by how far they lean into each axis.
    """
    variances = [
        _variance_mm2(visit, way)
        for visit, way in ((before, half_way.before_from_midpoint), (after, half_way.after_from_midpoint))
    ]
    largest = np.maximum(*variances)
    first, second = (np.sqrt(largest - own + LEAST_SIGMA_MM**2) for own in variances)
    return first, second


def _variance_mm2(visit: Visit, way: sitk.Transform) -> np.ndarray:
    """Variance of the voxel's box along the axes of the space between."""
    grid = visit.working.native_grids[Modality.FLAIR]
    to_native = matrix_of(chain_transforms(visit.working.native_from_working[Modality.FLAIR], way))[:3, :3]
    axes_in_midpoint = to_native.T @ np.reshape(grid.direction, (3, 3))
    own = np.asarray(grid.spacing_mm) ** 2 * BOX_VARIANCE
    variance: np.ndarray = (axes_in_midpoint**2) @ own
    return variance
