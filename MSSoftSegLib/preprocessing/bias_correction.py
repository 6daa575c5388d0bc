"""N4 bias-field correction (Docs/methods.md section 5): fitted on a coarse copy, applied to every voxel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.geometry import image_like, orient_canonically, orientation_letters, voxels

# Spline meshes refined from level to level, each for at most this many steps; one control-point interval to begin with.
ITERATIONS_PER_LEVEL = (40, 40, 30, 20)
CONVERGENCE_THRESHOLD = 1e-3
# The logarithm needs values above zero: what is below this share of the mean foreground is left out of the fit.
MIN_SHARE_OF_MEAN = 0.01


@dataclass(frozen=True)
class BiasCorrection:
    """A corrected image (float32, on the grid of the input) and how strong the field was.

    log_field_range is the largest minus the smallest logarithm of the field inside the mask: 0 means there was no bias.
    """

    image: sitk.Image
    log_field_range: float


def correct_bias(image: sitk.Image, *, mask: sitk.Image | None = None, shrink: int = 4) -> BiasCorrection:
    """The image divided by the smooth field that N4 finds (Tustison et al. 2010, doi:10.1109/TMI.2010.2046908).

    mask: voxels to fit on, on the image's grid; without one, those above Otsu's threshold. shrink: the fit sees voxels
    of about this many mm, thick slices as they are; the field is evaluated at full resolution. Values at or below zero
    (interpolation leaves some) take no part in the fit and are divided like all others. The fit sees array axes in one
    order, for its splines and its coarse copy begin at the first voxel: however an image is stored, the field is the same.
    """
    given, image = image, orient_canonically(sitk.Cast(image, sitk.sitkFloat32))
    mask = None if mask is None else orient_canonically(mask)
    usable = _usable(image, mask)
    factors = [max(1, round(shrink / spacing)) for spacing in image.GetSpacing()]
    # A factor must leave enough voxels for a spline to be fitted.
    factors = [min(factor, max(1, size // 8)) for factor, size in zip(factors, image.GetSize(), strict=True)]
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(ITERATIONS_PER_LEVEL)
    n4.SetConvergenceThreshold(CONVERGENCE_THRESHOLD)
    n4.Execute(_shrunk(image, usable, factors), sitk.Shrink(usable, factors))
    log_field = n4.GetLogBiasFieldAsImage(image)
    corrected = voxels(image) / np.exp(voxels(log_field))
    inside = voxels(log_field)[voxels(usable) > 0]
    turned_back = sitk.DICOMOrient(image_like(image, corrected.astype(np.float32)), orientation_letters(given))
    return BiasCorrection(image_like(given, voxels(turned_back)), float(np.ptp(inside)))


def _usable(image: sitk.Image, mask: sitk.Image | None) -> sitk.Image:
    """The voxels to fit on, uint8: inside the mask and safely above zero."""
    chosen = voxels(mask) != 0 if mask is not None else voxels(sitk.OtsuThreshold(image, 0, 1)) != 0
    array = voxels(image)
    positive = array[chosen & (array > 0)]
    if positive.size == 0:
        raise BadImage(
            "an image holds no value above zero where its bias field is to be fitted",
            remedy="check the image, and the brain mask if one was given",
        )
    return image_like(image, (chosen & (array > MIN_SHARE_OF_MEAN * positive.mean())).astype(np.uint8))


def _shrunk(image: sitk.Image, usable: sitk.Image, factors: list[int]) -> sitk.Image:
    """The image as N4's fit sees it: one voxel in every block of the given factors, never below zero."""
    positive = sitk.Mask(image, usable, outsideValue=1.0)
    return sitk.Shrink(positive, factors)
