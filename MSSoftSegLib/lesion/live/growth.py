"""A lesion that a reader points at where the model drew none: it grows from the probability map, as far as that allows.

Growth and its radius are live: only the ball around the place is looked at.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from MSSoftSegLib.lesion.live.voxel_set import NO_VOXELS

Place = tuple[int, int, int]
# Below this the model says nothing, and there is nothing to grow from.
FLOOR = 0.02
# Of the highest probability near the place: where a lesion fades to this share of its peak, it ends.
SHARE_OF_PEAK = 0.5
# Nobody points at a single voxel; the peak is looked for so far from the place.
REACH_MM = 2.0
ALL_26 = np.ones((3, 3, 3), bool)


def grow_lesion(
    probability: np.ndarray,
    place: Place,
    *,
    spacing_mm: tuple[float, float, float],
    radius_mm: float,
    floor: float = FLOOR,
) -> np.ndarray:
    """Sorted flat indices of the lesion at a place (z, y, x), none where the model says less than ``floor`` all around.

    probability: (z, y, x), 0–1; spacing_mm in its order. The lesion is the 26-connected part of probability ≥ half of the peak
    within 2 mm of the place (never below ``floor``) that holds this peak, cut off at ``radius_mm`` around the place. A larger
    radius never takes a voxel away.
    """
    if not (np.isfinite(radius_mm) and radius_mm > 0):
        raise ValueError(f"the radius must be a length above 0, not {radius_mm} mm")
    if not all(0 <= index < size for index, size in zip(place, probability.shape, strict=True)):
        raise ValueError(f"the place {place} lies outside an image of {probability.shape} voxels")
    box, distance_mm = _ball_box(probability.shape, place, spacing_mm, max(radius_mm, REACH_MM))
    inside = probability[box]
    near = np.where(distance_mm <= REACH_MM, inside, -1.0)
    peak = np.unravel_index(int(near.argmax()), near.shape)
    if inside[peak] < floor:
        return NO_VOXELS
    # The peak itself belongs, however small the radius: who points beside a lesion means the lesion.
    candidates = (inside >= max(floor, SHARE_OF_PEAK * float(inside[peak]))) & (distance_mm <= radius_mm)
    candidates[peak] = True
    label, _count = ndimage.label(candidates, ALL_26)
    found = np.nonzero(label == label[peak])
    first = [part.start for part in box]
    whole = tuple(axis + start for axis, start in zip(found, first, strict=True))
    return np.sort(np.ravel_multi_index(whole, probability.shape)).astype(np.int64)


def find_connected_part(labels: np.ndarray, place: Place) -> np.ndarray:
    """Sorted flat indices of the 26-connected voxels with the same label as the place (z, y, x); none where that is 0."""
    value = labels[place]
    if not value:
        return NO_VOXELS
    label, _count = ndimage.label(labels == value, ALL_26)
    found: np.ndarray = np.flatnonzero(label == label[place])
    return found


def _ball_box(
    shape: tuple[int, ...], place: Place, spacing_mm: tuple[float, float, float], radius_mm: float
) -> tuple[tuple[slice, ...], np.ndarray]:
    """The part of the image that holds a ball around the place, and each of its voxels' distance from the place, mm."""
    box = tuple(
        slice(max(0, index - int(radius_mm / mm)), min(size, index + int(radius_mm / mm) + 1))
        for index, size, mm in zip(place, shape, spacing_mm, strict=True)
    )
    steps = [
        (np.arange(part.start, part.stop) - index) * mm for part, index, mm in zip(box, place, spacing_mm, strict=True)
    ]
    z, y, x = np.ix_(*steps)
    return box, np.sqrt(z**2 + y**2 + x**2)
