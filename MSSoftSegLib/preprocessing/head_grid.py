"""The grid on which brain extraction sees the whole head: isotropic, along the target's axes, in the working space."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid, orient_canonically, outer_edges

# Images far apart would make the grid enormous; nobody's head is larger.
MAX_EXTENT_MM = 400.0


def head_grid(target: sitk.Image, others: Sequence[tuple[sitk.Image, sitk.Transform]], *, spacing_mm: float) -> Grid:
    """The grid that holds the fields of view of all images, along the nearest-to-LPS axes of the target.

    others: images with the transform from a working (= target) point to a point of theirs.
    """
    axes = np.reshape(orient_canonically(target).GetDirection(), (3, 3))
    corners = [np.asarray(point) for point in _corners(target)]
    for image, image_from_working in others:
        working_from_image = image_from_working.GetInverse()
        corners += [np.asarray(working_from_image.TransformPoint(point)) for point in _corners(image)]
    along = np.asarray(corners) @ axes
    low, high = _limited(along.min(axis=0), along.max(axis=0), center=along[:8].mean(axis=0))
    # Where the target already has the spacing, its own lattice is kept: it is then copied, not blurred.
    on_lattice = np.isclose(orient_canonically(target).GetSpacing(), spacing_mm, rtol=1e-5, atol=0)
    outer = outer_edges(
        low, high, spacing_mm=spacing_mm, voxel_center=np.asarray(orient_canonically(target).GetOrigin()) @ axes
    )
    low, high = np.where(on_lattice, outer[0], low), np.where(on_lattice, outer[1], high)
    count = np.maximum(1, np.ceil((high - low) / spacing_mm - 1e-6)).astype(int)
    first = (low + high) / 2 - (count - 1) / 2 * spacing_mm
    size_x, size_y, size_z = (int(n) for n in count)
    x, y, z = (float(v) for v in axes @ first)
    return Grid(
        size=(size_x, size_y, size_z),
        spacing_mm=(spacing_mm,) * 3,
        origin_mm=(x, y, z),
        direction=tuple(float(v) for v in axes.ravel()),
    )


def _corners(image: sitk.Image) -> list[tuple[float, float, float]]:
    """The outer corners of the image's corner voxels in LPS mm."""
    edges = [(-0.5, size - 0.5) for size in image.GetSize()]
    return [image.TransformContinuousIndexToPhysicalPoint(corner) for corner in product(*edges)]


def _limited(low: np.ndarray, high: np.ndarray, *, center: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The box, cut where it reaches further from the target's center than any head."""
    return np.maximum(low, center - MAX_EXTENT_MM / 2), np.minimum(high, center + MAX_EXTENT_MM / 2)
