"""Each lesion of a visit in the space between, as the fraction of each voxel that it fills: never cut at a half."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.exam.geometry import Grid, resample, voxels
from MSSoftSegLib.exam.linear import matrix_of, move_points

# A lesion of one slice, carried between slices, thins out to less than a half everywhere: it still counts from here on.
LEAST_FRACTION = 0.05


@dataclass(frozen=True)
class SoftLesion:
    """One lesion instance of one visit. window: where in the grid between (z, y, x); fraction: float32 0–1 there.

    number: of the visit's lesion_instances; volume_mm3: on the native grid, as lesions.csv has it.
    """

    number: int
    volume_mm3: float
    window: tuple[slice, slice, slice]
    fraction: np.ndarray


def soft_lesions(instances: sitk.Image, native_from_midpoint: sitk.Transform, grid: Grid) -> tuple[SoftLesion, ...]:
    """Every instance of a native label map on the grid between, by linear interpolation of its membership."""
    labels = voxels(instances)
    native = Grid.of(instances)
    lesions = []
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        inside = labels[box] == number
        volume_mm3 = float(inside.sum() * native.voxel_volume_mm3)
        window = _window(box, native, native_from_midpoint, grid)
        if window is None:
            lesions.append(SoftLesion(number, volume_mm3, (slice(0, 0),) * 3, np.zeros((0, 0, 0), np.float32)))
            continue
        fraction = _resampled(inside, box, native, native_from_midpoint, grid, window)
        lesions.append(SoftLesion(number, volume_mm3, window, fraction))
    return tuple(lesions)


def _window(
    box: tuple[slice, ...], native: Grid, native_from_midpoint: sitk.Transform, grid: Grid
) -> tuple[slice, slice, slice] | None:
    """The voxels of the grid that a native box and one native voxel around it can reach; None outside the grid."""
    low = np.array([axis.start for axis in box[::-1]]) - 1.0
    high = np.array([axis.stop for axis in box[::-1]], dtype=float)
    ends = np.array(np.meshgrid(*zip(low, high, strict=True), indexing="ij")).reshape(3, -1).T
    points = move_points(ends, native.lps_from_voxel())
    in_grid = np.linalg.inv(grid.lps_from_voxel()) @ np.linalg.inv(matrix_of(native_from_midpoint))
    index = move_points(points, in_grid)
    first = np.maximum(np.floor(index.min(axis=0)).astype(int), 0)
    last = np.minimum(np.ceil(index.max(axis=0)).astype(int), np.asarray(grid.size) - 1)
    if np.any(last < first):
        return None
    x, y, z = (slice(int(a), int(b) + 1) for a, b in zip(first, last, strict=True))
    return z, y, x


def _resampled(
    inside: np.ndarray,
    box: tuple[slice, ...],
    native: Grid,
    native_from_midpoint: sitk.Transform,
    grid: Grid,
    window: tuple[slice, slice, slice],
) -> np.ndarray:
    """The membership of one lesion in its window."""
    # A frame of zeros, so that the lesion fades out rather than ends at its box.
    padded = np.pad(inside, 1).astype(np.float32)
    source = _part(native, [axis.start - 1 for axis in box[::-1]], padded.shape[::-1]).image(padded)
    size = [axis.stop - axis.start for axis in window[::-1]]
    target = _part(grid, [axis.start for axis in window[::-1]], size)
    return voxels(resample(source, target, source_from_grid=native_from_midpoint))


def _part(grid: Grid, first: list[int], size: list[int] | tuple[int, ...]) -> Grid:
    """The same lattice from another first voxel on, (x, y, z)."""
    origin = move_points(np.array([first], dtype=float), grid.lps_from_voxel())[0]
    size_x, size_y, size_z = (int(n) for n in size)
    x, y, z = (float(v) for v in origin)
    return Grid((size_x, size_y, size_z), grid.spacing_mm, (x, y, z), grid.direction)
