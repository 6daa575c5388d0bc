"""Distances in mm on any voxel spacing, exact up to a reach, and the windows that keep them cheap.

Squared Euclidean distance is a sum over the axes, so the nearest voxel can be found one axis after the other: each pass
takes the minimum over the shifts within reach. For the few mm of a shell this is many times cheaper than a full distance
transform. Axes are (z, y, x) throughout.
"""

from __future__ import annotations

import math

import numpy as np

Spacing = tuple[float, float, float]
Window = tuple[slice, slice, slice]

# Headers round spacing to 32 bits: a voxel that lies exactly on the radius must count on every machine.
ROUNDING_MM = 1e-4


def squared_distance_mm2(
    mask: np.ndarray, spacing_mm: Spacing, *, reach_mm: float, to_edge: bool = False
) -> np.ndarray:
    """Squared distance of each voxel center to the nearest voxel of the mask, float32 mm² (z, y, x).

    Exact where it is at most reach_mm² (and ROUNDING_MM more), larger or infinite elsewhere. to_edge: to the voxel's box
    instead of its center. What lies outside the image is unknown and never near.
    """
    squared = np.where(mask, np.float32(0), np.float32(np.inf))
    for axis, step_mm in enumerate(spacing_mm):
        squared = _nearest_along(np.moveaxis(squared, axis, 0), step_mm, reach_mm, to_edge)
        squared = np.moveaxis(squared, 0, axis)
    return squared


def _nearest_along(squared: np.ndarray, step_mm: float, reach_mm: float, to_edge: bool) -> np.ndarray:
    """The minimum over shifts along the first axis, each at the price of its squared length."""
    nearest = squared.copy()
    for count in range(1, squared.shape[0]):
        length_mm = (count - 0.5 if to_edge else count) * step_mm
        if length_mm > reach_mm + ROUNDING_MM:
            break
        price = np.float32(length_mm**2)
        np.minimum(nearest[count:], squared[:-count] + price, out=nearest[count:])
        np.minimum(nearest[:-count], squared[count:] + price, out=nearest[:-count])
    return nearest


def is_within(squared_mm2: np.ndarray, radius_mm: float) -> np.ndarray:
    """Where a squared distance is at most the radius; a voxel exactly on the radius is within."""
    return squared_mm2 <= (radius_mm + ROUNDING_MM) ** 2


def window_around(mask: np.ndarray, spacing_mm: Spacing, margin_mm: float) -> Window:
    """The part of the volume that holds the mask and a margin, cut at the image border; of an empty mask, the first voxel."""
    box = []
    for axis in range(3):
        occupied = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        if occupied.size == 0:
            return (slice(0, 1),) * 3
        box.append(slice(int(occupied[0]), int(occupied[-1]) + 1))
    z, y, x = box
    return widen((z, y, x), spacing_mm, margin_mm, mask.shape)


def widen(window: Window, spacing_mm: Spacing, margin_mm: float, shape: tuple[int, ...]) -> Window:
    """A window with a margin, cut at the image border."""
    margins = [math.ceil((margin_mm + ROUNDING_MM) / step_mm) for step_mm in spacing_mm]
    z, y, x = (
        slice(max(0, part.start - margin), min(size, part.stop + margin))
        for part, margin, size in zip(window, margins, shape, strict=True)
    )
    return z, y, x
