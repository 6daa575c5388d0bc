"""The core's lesions one by one, each in a window of its own: nearness to *any* lesion is nearness to one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from MSSoftSegLib.softlabel.distance import Spacing, Window, squared_distance_mm2, widen, window_around

EVERY_NEIGHBOR = np.ones((3, 3, 3), bool)


@dataclass(frozen=True)
class NearbyLesion:
    """One 26-connected lesion and what lies around it.

    window: where, in the whole volume. squared_mm2: float32 (z, y, x), to this lesion alone, exact up to the reach.
    mean_flair: over the lesion's voxels, float64.
    """

    window: Window
    squared_mm2: np.ndarray
    mean_flair: np.float64


def label_lesions(core: np.ndarray) -> tuple[np.ndarray, int]:
    """26-connected lesions numbered from 1, int32, and how many there are."""
    labels, count = ndimage.label(core, EVERY_NEIGHBOR)
    return labels, int(count)


def find_nearby_lesions(
    core: np.ndarray, flair: np.ndarray, spacing_mm: Spacing, *, reach_mm: float
) -> Iterator[NearbyLesion]:
    """Every lesion of the core, bool (z, y, x), with its surroundings up to the reach."""
    whole = window_around(core, spacing_mm, reach_mm)
    labels, _ = label_lesions(core[whole])
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        local = widen(box, spacing_mm, reach_mm, labels.shape)
        z, y, x = (
            slice(outer.start + inner.start, outer.start + inner.stop)
            for outer, inner in zip(whole, local, strict=True)
        )
        lesion = labels[local] == number
        yield NearbyLesion(
            window=(z, y, x),
            squared_mm2=squared_distance_mm2(lesion, spacing_mm, reach_mm=reach_mm),
            mean_flair=flair[z, y, x][lesion].mean(dtype=np.float64),
        )


def largest_value_of_each_lesion(core: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The largest of the values, (z, y, x), 0 and above, that each lesion of the core holds; empty where there is none."""
    window = window_around(core, (1.0, 1.0, 1.0), 0.0)
    labels, count = label_lesions(core[window])
    largest = np.zeros(count, value.dtype)
    np.maximum.at(largest, labels[core[window]] - 1, value[core])
    return largest
