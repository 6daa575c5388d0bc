"""How far away something is: exact Euclidean distances, found on all processors."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk


def distance_mm(there: np.ndarray, spacing_mm: tuple[float, ...]) -> np.ndarray:
    """From each voxel's center to the nearest center of a voxel that is there; 0 in these. Float32 (z, y, x).

    there: bool (z, y, x), somewhere true; spacing_mm: (x, y, z).
    """
    image = sitk.GetImageFromArray(there.astype(np.uint8))
    image.SetSpacing(spacing_mm)
    signed = sitk.SignedMaurerDistanceMap(image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
    return np.maximum(sitk.GetArrayFromImage(signed), 0)
