"""Intensity normalization inside the brain: MR values have no unit of their own."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage, GridMismatch
from MSSoftSegLib.exam.geometry import have_same_grid, image_like, voxels

NormalizationMethod = Literal["z-score", "median-iqr"]
# Of a normal distribution, the interquartile range is this many standard deviations.
IQR_OF_UNIT_NORMAL = 1.349
SMALLEST = float(np.finfo(np.float32).tiny)


def normalize(image: sitk.Image, brain_mask: sitk.Image, method: NormalizationMethod) -> sitk.Image:
    """The image in units of its spread inside the brain, exactly 0 outside; float32.

    z-score: (x − mean) / SD. median-iqr: (x − median) / (IQR / 1.349), which bright lesions and vessels move little.
    """
    if method not in get_args(NormalizationMethod):
        raise ValueError(f"unknown normalization {method!r}")
    if not have_same_grid(image, brain_mask):
        raise GridMismatch(
            "the brain mask and the image to normalize lie on different grids", remedy="use the mask of this exam"
        )
    inside = voxels(brain_mask) != 0
    values = voxels(image).astype(np.float64)
    center, spread = _center_and_spread(values[inside], method)
    normalized = np.where(inside, (values - center) / spread, 0.0)
    return image_like(image, normalized.astype(np.float32))


def _center_and_spread(values: np.ndarray, method: NormalizationMethod) -> tuple[float, float]:
    """What becomes 0 and what becomes 1."""
    if values.size == 0:
        raise BadImage("the brain mask is empty", remedy="check the brain mask")
    if method == "z-score":
        center, spread = float(values.mean()), float(values.std())
    else:
        low, middle, high = np.percentile(values, (25, 50, 75))
        center, spread = float(middle), float(high - low) / IQR_OF_UNIT_NORMAL
    # Rounding leaves a constant image a spread of about 1e-16 of its value.
    if not spread > 1e-6 * max(abs(center), SMALLEST):
        raise BadImage(
            "an image is constant over most of the brain and cannot be normalized",
            remedy="check that the right file was given and that the brain mask lies on the brain",
        )
    return center, spread
