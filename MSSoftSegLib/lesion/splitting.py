"""Confluent lesions cut where they are narrow, for whoever counts the lesions that flowed together.

How many there were cannot be seen any more: the count is an interval, from one per connected component to one per bulge.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

# Bulges nearer than this are one lesion; for the other end of the interval, nearer than that. mm.
APART_MM, LEAST_APART_MM = 8.0, 4.0
# A bulge is at least so thick (its middle lies so deep), mm.
SMALLEST_DEPTH_MM = 1.5
SMOOTHING_MM = 1.0
DEPTH_STEPS = 1000


def split_confluent(
    instances: np.ndarray, spacing_mm: tuple[float, float, float], probability: np.ndarray | None = None
) -> tuple[np.ndarray, tuple[int, int]]:
    """Instances cut at their necks, and the interval of their count; uint16, numbered by falling size.

    instances: (z, y, x), connected components; spacing_mm: (z, y, x); probability: 0–1, deepens what is surely lesion.
    A watershed on depth below the lesion's surface times probability. No voxel is lost or added.
    """
    depth = ndimage.distance_transform_edt(instances > 0, sampling=spacing_mm)
    if probability is not None:
        depth = depth * probability
    depth = ndimage.gaussian_filter(depth, [SMOOTHING_MM / mm for mm in spacing_mm]) * (instances > 0)
    whole = int(np.count_nonzero(np.bincount(instances.ravel())[1:]))
    pieces = _flooded(instances, depth, _bulges(instances, depth, spacing_mm, APART_MM))
    most = int(_bulges(instances, depth, spacing_mm, LEAST_APART_MM).max(initial=0))
    return pieces, (whole, max(whole, int(pieces.max(initial=0)), most))


def _bulges(instances: np.ndarray, depth: np.ndarray, spacing_mm: tuple[float, ...], apart_mm: float) -> np.ndarray:
    """Markers 1…n: the deepest places that none within apart_mm exceeds; every instance has at least one."""
    reach = [max(1, round(apart_mm / 2 / mm)) for mm in spacing_mm]
    highest = ndimage.maximum_filter(depth, size=[2 * r + 1 for r in reach])
    peaks = (depth == highest) & (depth >= SMALLEST_DEPTH_MM)
    for number, box in enumerate(ndimage.find_objects(instances.astype(np.int32)), start=1):
        inside = None if box is None else instances[box] == number
        if box is None or inside is None or (peaks[box] & inside).any():
            continue
        peaks[box] |= inside & (depth[box] >= depth[box][inside].max())
    # Touching peaks of one height are one bulge.
    markers, _ = ndimage.label(peaks & (instances > 0), np.ones((3, 3, 3)))
    return np.asarray(markers)


def _flooded(instances: np.ndarray, depth: np.ndarray, markers: np.ndarray) -> np.ndarray:
    """Each voxel of an instance to the bulge that it flows from, within its instance; numbered by falling size."""
    owner = np.zeros(instances.shape, np.int32)
    for number, box in enumerate(ndimage.find_objects(instances.astype(np.int32)), start=1):
        if box is None:
            continue
        inside = instances[box] == number
        own = np.where(inside, markers[box], 0)
        steep = (np.clip(1 - depth[box] / max(float(depth[box][inside].max()), 1e-6), 0, 1) * DEPTH_STEPS).astype(
            np.uint16
        )
        # Outside is a marker of its own, so that nothing flows around a neck.
        flooded = ndimage.watershed_ift(steep, np.where(inside, own, -1).astype(np.int32), np.ones((3, 3, 3)))
        flooded = np.where(flooded > 0, flooded, own.max())
        owner[box][inside] = flooded[inside]
    return _by_size(owner)


def _by_size(owner: np.ndarray) -> np.ndarray:
    size = np.bincount(owner.ravel())
    size[0] = 0
    order = np.argsort(-size, kind="stable")[: np.count_nonzero(size)]
    number = np.zeros(len(size), np.uint16)
    number[order] = np.arange(1, len(order) + 1)
    return number[owner]
