"""Images with larger voxels, for what is smooth or only starts a search."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid, resample


def coarse(image: sitk.Image, spacing_mm: float) -> sitk.Image:
    """The image with voxels of this size, blurred accordingly, with a margin of air around it."""
    smooth = sitk.SmoothingRecursiveGaussian(image, spacing_mm / 2)
    size = [int(np.ceil(n * s / spacing_mm)) + 4 for n, s in zip(image.GetSize(), image.GetSpacing(), strict=True)]
    direction = np.reshape(image.GetDirection(), (3, 3))
    middle = (np.asarray(image.GetSize()) - 1) / 2
    center = np.asarray(image.TransformContinuousIndexToPhysicalPoint(middle.tolist()))
    origin = center - direction @ ((np.asarray(size) - 1) / 2 * spacing_mm)
    x, y, z = size
    ox, oy, oz = (float(v) for v in origin)
    return resample(smooth, Grid((x, y, z), (spacing_mm,) * 3, (ox, oy, oz), image.GetDirection()))
