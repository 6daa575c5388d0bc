"""Back to where the radiologist looks: maps from the working grid to the reference image's own voxels."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid, image_like, resample, voxels
from MSSoftSegLib.exam.lattice import copy_or_resample


def resample_to_native(probability: sitk.Image, native: Grid, *, working_from_native: sitk.Transform) -> sitk.Image:
    """A probability map on the native grid, float32, 0–1; 0 outside the working grid's field of view.

    Linear, never through a binary mask; copied where nothing moved and the lattices coincide. working_from_native maps a
    native point to the working space (LPS mm).
    """
    if working_from_native.GetTransformEnum() == sitk.sitkIdentity:
        on_native = copy_or_resample(probability, native)
    else:
        on_native = resample(probability, native, source_from_grid=working_from_native)
    return image_like(on_native, np.clip(voxels(on_native), 0.0, 1.0))
