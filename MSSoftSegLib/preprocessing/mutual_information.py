"""How much one image tells about another: the measure by which alignments are judged.

It is computed here, the same way for every alignment, and not read from the log of the optimizer, whose samples and
smoothing change from level to level.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.linear import matrix_of, move_points

BINS = 32
POINTS = 200_000
# Fewer than this share of the points in both fields of view say nothing about an alignment.
MIN_OVERLAP = 0.05


def mutual_information(moving: sitk.Image, fixed: sitk.Image, moving_from_fixed: sitk.Transform) -> float:
    """Mutual information in nats of the two images under a transform; 0 where they hardly overlap.

    Both images are read by linear interpolation at the same random points (fixed seed) of the fixed image's field of
    view. Points between voxels on purpose: on the voxels themselves an image that is not interpolated looks better
    aligned than it is. A joint histogram of 32 × 32 equal bins between each image's 1st and 99th percentile. Points
    outside the moving image's field of view are left out, and the result is scaled by the share of those within,
    so that an alignment does not gain by losing overlap.
    """
    fixed_index = _random_indices(fixed)
    points = _points_of(Grid.of(fixed), fixed_index)
    moving_index = _indices_of(Grid.of(moving), move_points(points, matrix_of(moving_from_fixed)))
    size = np.asarray(moving.GetSize())
    inside = np.all((moving_index >= 0) & (moving_index <= size - 1), axis=1)
    overlap = float(inside.mean())
    if overlap < MIN_OVERLAP:
        return 0.0
    fixed_values = _sampled(fixed, fixed_index[inside])
    moving_values = _sampled(moving, moving_index[inside])
    return overlap * _histogram_information(fixed_values, moving_values)


def _histogram_information(first: np.ndarray, second: np.ndarray) -> float:
    """Mutual information in nats from the joint histogram of paired values."""
    clipped = [np.clip(values, *np.percentile(values, (1, 99))) for values in (first, second)]
    joint = np.histogram2d(clipped[0], clipped[1], bins=BINS)[0]
    joint /= joint.sum()
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    occupied = joint > 0
    return float(np.sum(joint[occupied] * np.log(joint[occupied] / independent[occupied])))


def _random_indices(image: sitk.Image) -> np.ndarray:
    """Continuous voxel indices (x, y, z) spread evenly over the image, the same on every call."""
    rng = np.random.default_rng(seed=0)
    return rng.uniform(size=(POINTS, 3)) * (np.asarray(image.GetSize()) - 1)


def _points_of(grid: Grid, index: np.ndarray) -> np.ndarray:
    """LPS points in mm of continuous indices (x, y, z)."""
    matrix = grid.lps_from_voxel()
    return index @ matrix[:3, :3].T + matrix[:3, 3]


def _indices_of(grid: Grid, points: np.ndarray) -> np.ndarray:
    """Continuous indices (x, y, z) of LPS points in mm."""
    matrix = np.linalg.inv(grid.lps_from_voxel())
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def _sampled(image: sitk.Image, index: np.ndarray) -> np.ndarray:
    """Linear interpolation at continuous indices (x, y, z) inside the image."""
    return ndimage.map_coordinates(voxels(image).astype(np.float32), index.T[::-1], order=1, mode="nearest")
