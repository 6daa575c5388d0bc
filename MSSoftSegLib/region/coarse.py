"""Images with larger voxels, for what is smooth or only starts a search."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid, resample


def coarse(image: sitk.Image, spacing_mm: float) -> sitk.Image:
    """The image with voxels of this size, blurred accordingly, with a margin of air around it."""
    return resample(sitk.SmoothingRecursiveGaussian(image, spacing_mm / 2), coarse_grid(Grid.of(image), spacing_mm))


def coarse_grid(grid: Grid, spacing_mm: float) -> Grid:
    """A grid of such voxels about the middle of another, with a margin around it."""
    size = [int(np.ceil(n * s / spacing_mm)) + 4 for n, s in zip(grid.size, grid.spacing_mm, strict=True)]
    direction = np.reshape(grid.direction, (3, 3))
    center = grid.lps_from_voxel()[:3] @ [*((np.asarray(grid.size) - 1) / 2), 1]
    origin = center - direction @ ((np.asarray(size) - 1) / 2 * spacing_mm)
    x, y, z = size
    ox, oy, oz = (float(v) for v in origin)
    return Grid((x, y, z), (spacing_mm,) * 3, (ox, oy, oz), grid.direction)
