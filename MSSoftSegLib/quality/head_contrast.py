"""Which contrast is an image of a whole head, as it came? A quick look at the brightness of deep brain.

Fluid is brighter than everything else in T2, and darker in T1 and FLAIR. White matter is the brightest tissue in T1, so
the values above the median end soon; in FLAIR gray matter and lesions lie above it and they reach far. An opinion is
given only where this is clear; the reader may know better, so it is never more than a warning.

Needs numpy and scipy only: the panel asks before anything is installed. After brain extraction contrast.py sees more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

SAMPLE_MM = 4.0
# Deep brain: this far inside the head, or about half of the deepest place in a small field of view.
DEPTH_MM, DEPTH_SHARE = 25.0, 0.45
FEWEST_VOXELS = 300
# Measured on the sample data and on digital patients: T2 ≥ 2.9, others ≤ 1.7; FLAIR ≥ 3.3, T1 ≤ 2.6.
T2_FROM, NOT_T2_UP_TO = 2.4, 2.0
T1_UP_TO, FLAIR_FROM = 2.9, 3.1
# No image has so few gray values, no mask that is drawn in practice more labels.
MOST_LABELS, MOST_LOOKED_AT = 4, 50_000


@dataclass(frozen=True)
class Brightness:
    """Deep brain relative to its median. top: its 99th percentile. reach: how far values reach above the median (99th
    percentile) over how far they fall below it (25th)."""

    top: float
    reach: float


def looks_like_mask(array: np.ndarray) -> bool:
    """Whether what is not zero takes but a few values."""
    inside = array[array != 0]
    some = inside[:: max(1, len(inside) // MOST_LOOKED_AT)]
    some = some[np.isfinite(some)]
    return 0 < len(some) < array.size and len(np.unique(some)) <= MOST_LABELS


def looks_like(array: np.ndarray, spacing_mm: Sequence[float]) -> str:
    """flair, t1 or t2, or "" where it cannot be told."""
    brightness = brightness_of(array, spacing_mm)
    if brightness is None or NOT_T2_UP_TO < brightness.top < T2_FROM:
        return ""
    if brightness.top >= T2_FROM:
        return "t2"
    if brightness.reach <= T1_UP_TO:
        return "t1"
    return "flair" if brightness.reach >= FLAIR_FROM else ""


def brightness_of(array: np.ndarray, spacing_mm: Sequence[float]) -> Brightness | None:
    """The brightness of deep brain; None where no head is found."""
    steps = [max(1, round(SAMPLE_MM / mm)) for mm in reversed(list(spacing_mm))]
    sample = np.asarray(array[tuple(slice(None, None, step) for step in steps)], np.float32)
    sample_mm = [step * mm for step, mm in zip(steps, reversed(list(spacing_mm)), strict=True)]
    if sample.ndim != 3 or min(sample.shape) < 3 or not np.isfinite(sample).all():
        return None
    head = _head(sample)
    if head is None:
        return None
    depth_mm = ndimage.distance_transform_edt(np.pad(head, 1), sampling=sample_mm)[1:-1, 1:-1, 1:-1]
    deep = sample[depth_mm > min(DEPTH_MM, DEPTH_SHARE * depth_mm.max())]
    if len(deep) < FEWEST_VOXELS:
        return None
    low, median, above, high = np.percentile(deep, [25, 50, 75, 99])
    # Tissue stands out from air by more than it varies; noise does not.
    if not low < median or median - np.percentile(sample, 1) < 2 * (above - low):
        return None
    return Brightness(top=float(high / median), reach=float((high - median) / (median - low)))


def _head(sample: np.ndarray) -> np.ndarray | None:
    """The largest bright thing, holes filled."""
    low, high = np.percentile(sample, [1, 99.5])
    if not low < high:
        return None
    # What is darker than this is air: a fifth of the way up is well above noise and below every tissue.
    label, count = ndimage.label(sample > low + 0.15 * (high - low))
    if count == 0:
        return None
    largest = 1 + int(np.argmax(np.bincount(label.ravel())[1:]))
    outside, _count = ndimage.label(np.pad(label != largest, 1, constant_values=True))
    # All that the padding is not connected to: faster here than filling holes by growing.
    return (outside != outside[0, 0, 0])[1:-1, 1:-1, 1:-1]
