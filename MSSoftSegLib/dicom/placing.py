"""Labels of a case on the voxels of the source series: moved without interpolation wherever that is possible."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.dicom.source_series import SourceSeries
from MSSoftSegLib.errors import GridMismatch
from MSSoftSegLib.exam.geometry import Grid, resample, voxels


def place_mask_on_source(mask: sitk.Image, source: SourceSeries) -> np.ndarray:
    """A label map, uint8, as an array (plane, row, column) of the source series."""
    if source.lattice is not None:
        return source.lattice.placed(voxels(mask), source.stack.grid.size[::-1])
    _check_inside(mask, source)
    moved = resample(mask, source.stack.grid, interpolator=sitk.sitkNearestNeighbor, pixel_type=sitk.sitkUInt8)
    return voxels(moved)


def place_soft_mask_on_source(soft_mask: sitk.Image, source: SourceSeries) -> np.ndarray:
    """A soft mask, float32, 0–1, as an array (plane, row, column) of the source series."""
    if source.lattice is not None:
        return source.lattice.placed(voxels(soft_mask), source.stack.grid.size[::-1])
    _check_inside(soft_mask, source)
    return np.clip(voxels(resample(soft_mask, source.stack.grid)), 0, 1)


def _check_inside(labels: sitk.Image, source: SourceSeries) -> None:
    """Refuse to lose lesions that lie beyond the source's field of view."""
    index = np.argwhere(voxels(labels) > 0)[:, ::-1].T
    if not index.size:
        return
    grid = source.stack.grid
    there = np.linalg.inv(grid.lps_from_voxel()) @ Grid.of(labels).lps_from_voxel()
    place = there[:3, :3] @ index + there[:3, 3:]
    outside = np.any((place < -0.5) | (place > np.array(grid.size)[:, None] - 0.5), axis=0)
    if outside.any():
        raise GridMismatch(
            f"{int(outside.sum())} labelled voxels lie outside the source series",
            remedy="name the series that this FLAIR was made from",
        )
