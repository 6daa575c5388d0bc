"""Distances between the surfaces of two masks, in mm.

Definitions differ between programs, so ours in full. Surface: the voxels of a mask that share a face with a voxel outside
it; beyond the image's border is outside. Distance: between voxel centers, Euclidean, from each surface voxel to the nearest
surface voxel of the other mask. HD95: the larger of the two directed 95th percentiles (linear interpolation). ASSD: mean of
all distances of both directions together (not the mean of two means, which would weigh a small surface more). MONAI
defines the same; DeepMind's surface-distance weighs surface elements by area and lays them between voxels, medpy takes
the percentile of both directions together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from MSSoftSegLib.evaluation.boxes import box_around


@dataclass(frozen=True)
class SurfaceDistances:
    """HD95 and ASSD in mm; both None where one mask, or both, are empty."""

    hd95_mm: float | None
    assd_mm: float | None


def surface_distances(truth: np.ndarray, prediction: np.ndarray, *, spacing_mm: Sequence[float]) -> SurfaceDistances:
    """HD95 and ASSD of two masks (z, y, x) of one shape; spacing_mm in the same order. Symmetric in the masks."""
    if truth.shape != prediction.shape:
        raise ValueError(f"shapes differ: {truth.shape} and {prediction.shape}")
    t, p = truth != 0, prediction != 0
    if not t.any() or not p.any():
        return SurfaceDistances(None, None)
    box = box_around(t, p)
    first, second = _surface_points_mm(t[box], spacing_mm), _surface_points_mm(p[box], spacing_mm)
    there, back = cKDTree(second).query(first)[0], cKDTree(first).query(second)[0]
    return SurfaceDistances(
        hd95_mm=float(max(np.percentile(there, 95), np.percentile(back, 95))),
        assd_mm=float((there.sum() + back.sum()) / (there.size + back.size)),
    )


def _surface_points_mm(mask: np.ndarray, spacing_mm: Sequence[float]) -> np.ndarray:
    """Centers of the surface voxels, (n, 3)."""
    inner = ndimage.binary_erosion(mask, ndimage.generate_binary_structure(3, 1), border_value=0)
    points: np.ndarray = np.argwhere(mask & ~inner) * np.asarray(spacing_mm, dtype=float)
    return points
