"""From one grid to another without a change of value, where the voxels of one are voxels of the other.

Interpolation at a voxel's own center gives its value up to rounding, and another rounding for another order of axes. Copying
gives the value itself: the same voxels then lead to the same answer, bit by bit, however a file stores them.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid, orient_canonically, orientation_letters, resample, voxels

# Two lattices are one when their voxel centers differ by less than this.
SAME_LATTICE_VOXELS = 1e-3


def lattice_offset(source: Grid, target: Grid) -> np.ndarray | None:
    """Index (z, y, x) in source of the target's first voxel, where every voxel of one is a voxel of the other; else None.

    Axes must run alike: of the same grid in another order, None.
    """
    voxel_from_voxel = np.linalg.inv(source.lps_from_voxel()) @ target.lps_from_voxel()
    offset = np.rint(voxel_from_voxel[:3, 3])
    ideal = np.eye(4)
    ideal[:3, 3] = offset
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in target.size], indexing="ij"), dtype=float).reshape(3, -1)
    apart = (voxel_from_voxel - ideal)[:3] @ np.vstack([corners, np.ones(corners.shape[1])])
    return offset[::-1].astype(int) if np.abs(apart).max() < SAME_LATTICE_VOXELS else None


def copy_or_resample(image: sitk.Image, grid: Grid) -> sitk.Image:
    """The image on another grid, float32, 0 outside: copied voxel by voxel where the lattices coincide, else linear."""
    image = orient_canonically(image)
    place = Grid.of(orient_canonically(grid.reference()))
    offset = lattice_offset(Grid.of(image), place)
    if offset is None:
        return resample(image, grid)
    source = voxels(image)
    target = np.zeros(place.size[::-1], np.float32)
    low = np.maximum(offset, 0)
    high = np.maximum(np.minimum(offset + target.shape, source.shape), low)
    inside = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    moved = tuple(slice(a, b) for a, b in zip(low - offset, high - offset, strict=True))
    target[moved] = source[inside]
    turned = sitk.DICOMOrient(place.image(target), orientation_letters(grid.reference()))
    return grid.image(voxels(turned))
