"""The part of a volume that masks occupy: most of a head holds no lesion, and costs time all the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def box_around(*masks: np.ndarray, margin: Sequence[int] = (0, 0, 0)) -> tuple[slice, slice, slice]:
    """Smallest box that holds the non-zero voxels of masks (z, y, x) of one shape, and a margin in voxels, within the volume.

    An empty box where all are empty.
    """
    shape = masks[0].shape
    slices = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        occupied = np.zeros(shape[axis], dtype=bool)
        for mask in masks:
            occupied |= mask.any(axis=others)
        indices = np.flatnonzero(occupied)
        if indices.size == 0:
            return (slice(0, 0), slice(0, 0), slice(0, 0))
        start, stop = int(indices[0]) - margin[axis], int(indices[-1]) + 1 + margin[axis]
        slices.append(slice(max(0, start), min(shape[axis], stop)))
    return (slices[0], slices[1], slices[2])
