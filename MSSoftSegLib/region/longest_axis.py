"""The longest axis of a lesion: the clinical 3 mm is a length that a reader measures on one image, not a volume."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from MSSoftSegLib.exam.geometry import Grid

# Slices this many times thicker than their pixels are read one by one: through them lesions look as long as slices are thick.
THICK_TIMES = 2.0
FEW_POINTS = 400


def longest_axes_mm(labels: np.ndarray, grid: Grid) -> dict[int, float]:
    """The longest axis of each lesion by its number; labels: whole numbers (z, y, x) on the grid, 0 = none."""
    return {number: longest_axis_mm(index, grid) for number, index in lesion_voxels(labels)}


def lesion_voxels(labels: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Number and voxel indices (n, 3; z, y, x) of each lesion."""
    for number, box in enumerate(ndimage.find_objects(labels.astype(np.int32)), start=1):
        if box is not None:
            yield number, np.argwhere(labels[box] == number) + [axis.start for axis in box]


def longest_axis_mm(index: np.ndarray, grid: Grid) -> float:
    """The largest distance between two voxels of a lesion plus one voxel; in one slice where slices are thick.

    index: voxels (n, 3; z, y, x) of the grid, n ≥ 1. A lesion of three voxels of 1 mm in a row is 3 mm long.
    """
    spacing = np.asarray(grid.spacing_mm[::-1])
    thickest = int(np.argmax(spacing))
    in_plane = np.delete(spacing, thickest)
    points = index * spacing
    if spacing[thickest] < THICK_TIMES * in_plane.max():
        return _diameter(points) + float(spacing.min())
    slices = index[:, thickest]
    flat = np.delete(points, thickest, axis=1)
    return max(_diameter(flat[slices == number]) for number in np.unique(slices)) + float(in_plane.min())


def _diameter(points: np.ndarray) -> float:
    """The largest distance between two points, mm; 0 for one."""
    if len(points) > FEW_POINTS:
        # Joggled, so that points in one plane have a hull as well.
        points = points[ConvexHull(points, qhull_options="QJ").vertices]
    return float(pdist(points).max()) if len(points) > 1 else 0.0
