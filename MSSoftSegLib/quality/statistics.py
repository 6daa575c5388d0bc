"""Are an image's noise, sharpness and slices like those the model knows? In units that no scanner's scale changes.

How rough an image is along an axis: by how much values differ over 2 mm, relative to by how much they differ over 8 mm.
In white noise both differ alike (1.0), in a blurred image values 2 mm apart hardly differ (below 0.35). Noise shows along
the axis that is roughest, a blur there too, and thick slices along the one that is smoothest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.quality.brain_view import BrainView
from MSSoftSegLib.quality.warning import Check, QualityWarning

# Below the cortex's rim, so that every neighbor 4 mm away is brain.
DEPTH_MM = 8.0
NEAR_MM, FAR_MM = 1, 4
MOST_POINTS = 60_000
FEWEST_POINTS = 2_000
# The table below holds for 1 mm voxels; other models' grids are not judged by it.
SPACING_MM = 1.0
# Spread of the middle half of the values over their median, or over their reach: below this an image shows nothing.
LEAST_SPREAD = 0.01
# The model that ships learned from slices of up to 8.1 mm, real ones and synthetic ones (Resources/Models/starter/card.md).
THICKEST_MM = 8.5


@dataclass(frozen=True)
class Roughness:
    """Ratios along the axis where they are largest and smallest; 1 in white noise."""

    largest: float
    smallest: float


@dataclass(frozen=True)
class Limits:
    """Where an image's roughness lies in good exams: the largest between two limits, the smallest above one."""

    largest_from: float
    largest_up_to: float
    smallest_from: float


# Measured by Benchmarks/quality_checks.py on the exams that are marked there as those the limits come from: their range, about
# a fifth wider on both sides.
LIMITS = {
    Modality.FLAIR: Limits(0.43, 0.78, 0.34),
    Modality.T1: Limits(0.40, 0.80, 0.31),
    Modality.T2: Limits(0.32, 0.70, 0.26),
}


def statistics_warnings(
    view: BrainView, native_spacing_mm: Mapping[Modality, tuple[float, float, float]]
) -> Iterator[QualityWarning]:
    """At most one per image: constant, thick slices, noisy, blurred, in this order."""
    for modality, image in view.images.items():
        text = _oddity(view, modality, image, max(native_spacing_mm[modality]))
        if text:
            yield QualityWarning(Check.STATISTICS, text, modality)


def _oddity(view: BrainView, modality: Modality, image: np.ndarray, thickness_mm: float) -> str:
    """What is odd about an image, and what to do; "" where nothing is."""
    name = modality.upper()
    if is_constant(image[view.mask]):
        return f"The {name} image shows next to no contrast inside the brain: check the file, and choose another one."
    if thickness_mm > THICKEST_MM:
        return (
            f"The {name} image has voxels of up to {thickness_mm:.1f} mm, thicker than the model knows: small lesions will "
            "be missed. Choose a thinner series if there is one."
        )
    rough, limits = roughness(view, image), LIMITS.get(modality)
    if rough is None or limits is None:
        return ""
    if rough.largest > limits.largest_up_to:
        return f"The {name} image is noisier than the images the model knows: expect false lesions, or choose another series."
    if rough.largest < limits.largest_from:
        return f"The {name} image is more blurred than the images the model knows: small lesions will be missed."
    if rough.smallest < limits.smallest_from:
        return (
            f"The {name} image looks as if it had thicker slices than its header says: small lesions will be missed. Choose "
            "the series as it was acquired if there is one."
        )
    return ""


def is_constant(values: np.ndarray) -> bool:
    """Whether values hardly differ in most of the brain."""
    if values.size == 0:
        return True
    low, middle, high = np.percentile(values, (25, 50, 75))
    return bool(high - low <= LEAST_SPREAD * abs(middle))


def roughness(view: BrainView, image: np.ndarray) -> Roughness | None:
    """How rough an image (z, y, x) is inside the brain; None on another grid than 1 mm or with too little brain."""
    points = np.flatnonzero(view.deeper_than(DEPTH_MM))
    if abs(view.spacing_mm - SPACING_MM) > 0.1 * SPACING_MM or len(points) < FEWEST_POINTS:
        return None
    points = points[:: max(1, len(points) // MOST_POINTS)]
    flat, strides = image.ravel(), (image.shape[1] * image.shape[2], image.shape[2], 1)
    ratios = []
    for stride in strides:
        near, far = (_spread(flat[points + n * stride] - flat[points - n * stride]) for n in (NEAR_MM, FAR_MM))
        if far == 0:
            return None
        ratios.append(near / far)
    return Roughness(largest=max(ratios), smallest=min(ratios))


def _spread(values: np.ndarray) -> float:
    """Interquartile range."""
    low, high = np.percentile(values, (25, 75))
    return float(high - low)
