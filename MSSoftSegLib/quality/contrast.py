"""Does each slot hold the contrast that it says? Told from the brain alone, whatever scale and offset its values have.

Fluid lies far above all other values in T2 and far below them in T1 and FLAIR. T1 and FLAIR part by their gray matter:
darker than white matter in T1, brighter in FLAIR, so that FLAIR grows brighter towards the surface of the brain, and its
values reach further above their median. An image that is stored inverted shows the wrong order too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.quality.brain_view import BrainView
from MSSoftSegLib.quality.warning import Check, QualityWarning

# The surface itself is fluid and what extraction left over; below it lies the cortex, and mostly white matter further in.
SURFACE_MM = 6.0
CORTEX_MM = (4.0, 10.0)
INNER_MM, DEEP_MM = 15.0, 25.0
FEWEST_VOXELS = 500

# How far values reach above the median (99th percentile) over how far below it (1st). Measured on good exams, heavily
# noisy or blurred ones included: T2 at least 2.7, T1 and FLAIR at most 1.2 (FLAIR with many lesions).
T2_TAIL_FROM, NOT_T2_TAIL_UP_TO = 2.0, 1.5
# The sum of the two signs of FLAIR against T1 below: FLAIR at least 1.3, T1 at most -2.5 on good exams.
T1_UP_TO, FLAIR_FROM = -0.8, 0.6
# Reach of deep brain (99th percentile over 25th): T1 0.8 to 1.9, FLAIR 3 to 12.5; half-way on a logarithmic scale.
MIDDLE_REACH, REACH_UNIT = 2.4, 0.35
# Cortex less white matter in SD of the brain: T1 -0.7 to -0.35, FLAIR 0.13 to 0.7.
EDGE_UNIT = 0.25
# Two contrasts of one brain correlate by -0.90 to 0.52; an image and its resampled self by more than 0.99.
SAME_FROM = 0.95


@dataclass(frozen=True)
class BrainContrast:
    """What tells contrasts apart, the same for any scale and offset of the values.

    tail: reach above the brain's median (99th percentile) over reach below it (1st). reach: the same of deep brain
    against the 25th percentile. edge: median below the surface less median of the inner brain, in SD of the brain
    (interquartile range / 1.349).
    """

    tail: float
    reach: float
    edge: float


def contrast_warnings(view: BrainView) -> Iterator[QualityWarning]:
    """One for every slot whose image looks like another contrast, and one for every pair that is one image twice."""
    wrong = {}
    for modality in view.images:
        found = looks_like(view, modality) if modality in MODALITIES else None
        if found is not None and found is not modality:
            wrong[modality] = found
            yield QualityWarning(
                Check.CONTRAST,
                f"The image in the {modality.upper()} slot looks like a {found.upper()} image, or its gray values are "
                f"inverted: check which image was chosen as {modality.upper()}.",
                modality,
            )
    # Proton density is left out: from the same echo train as T2 it may resemble it closely.
    for first, second in combinations([modality for modality in view.images if modality in MODALITIES], 2):
        if is_same_image(view, first, second):
            slot = first if first in wrong else second
            yield QualityWarning(
                Check.SAME_IMAGE,
                f"The {first.upper()} and {second.upper()} slots hold the same image: choose another one for "
                f"{slot.upper()}.",
                slot,
            )


def looks_like(view: BrainView, modality: Modality) -> Modality | None:
    """The contrast that an image's brain shows; None where it cannot be told."""
    contrast = brain_contrast(view, modality)
    if contrast is None or NOT_T2_TAIL_UP_TO < contrast.tail < T2_TAIL_FROM:
        return None
    if contrast.tail >= T2_TAIL_FROM:
        return Modality.T2
    flair_not_t1 = np.log(contrast.reach / MIDDLE_REACH) / REACH_UNIT + contrast.edge / EDGE_UNIT
    if flair_not_t1 <= T1_UP_TO:
        return Modality.T1
    return Modality.FLAIR if flair_not_t1 >= FLAIR_FROM else None


def brain_contrast(view: BrainView, modality: Modality) -> BrainContrast | None:
    """The signs of an image; None for an image without contrast or a mask without depth."""
    image, depth = view.coarse(modality), view.depth_mm
    cortex = image[(depth > CORTEX_MM[0]) & (depth < CORTEX_MM[1])]
    brain, inner, deep = (image[depth > mm] for mm in (SURFACE_MM, INNER_MM, DEEP_MM))
    if min(len(each) for each in (cortex, inner, deep)) < FEWEST_VOXELS:
        return None
    lowest, low, middle, high, highest = np.percentile(brain, (1, 25, 50, 75, 99))
    deep_low, deep_middle, deep_highest = np.percentile(deep, (25, 50, 99))
    if not (lowest < middle < highest and low < high and deep_low < deep_middle < deep_highest):
        return None
    return BrainContrast(
        tail=float((highest - middle) / (middle - lowest)),
        reach=float((deep_highest - deep_middle) / (deep_middle - deep_low)),
        edge=float((np.median(cortex) - np.median(inner)) / ((high - low) / 1.349)),
    )


def is_same_image(view: BrainView, first: Modality, second: Modality) -> bool:
    """Whether two slots show the same values, up to scale, offset and a resampling."""
    below = view.depth_mm > SURFACE_MM
    one, other = (view.coarse(modality)[below] for modality in (first, second))
    if len(one) < FEWEST_VOXELS or not one.min() < one.max() or not other.min() < other.max():
        return False
    return bool(np.corrcoef(one, other)[0, 1] > SAME_FROM)
