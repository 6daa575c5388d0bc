"""Is what was found a plausible amount of lesion, in plausible places?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import have_same_grid, voxels
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.lesion.segmentation import Segmentation
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.quality.brain_view import BrainView
from MSSoftSegLib.quality.warning import Check, QualityWarning

# The public consensus masks of 18 patients hold at most 3.6 % of the brain.
LARGEST_SHARE = 0.10
# In those masks at most a third of the lesions are this small, and no patient has more than 70 such.
TINY_MM3, MOST_TINY, TINY_SHARE = 10.0, 100, 0.5
# Of those masks at most 5 % lies within 5 mm of the brain's surface. Little mass anywhere is no load at all.
RIM_MM, MOST_AT_RIM, LEAST_MASS_ML = 4.0, 0.5, 1.0
# Probability below the threshold, spread out: of a confident answer the soft volume is about that of the mask.
SOFT_OVER_MASK, SOFT_EXCESS_ML = 3.0, 3.0


def lesion_load_warnings(
    working: WorkingExam, view: BrainView, probability: sitk.Image, segmentation: Segmentation
) -> Iterator[QualityWarning]:
    """probability: the map on the working grid. Several may hold at once."""
    brain_ml = float(view.mask.sum() * working.grid.voxel_volume_mm3 / MM3_PER_ML)
    for text in _amounts(segmentation, brain_ml):
        yield QualityWarning(Check.LESION_LOAD, text)
    share = rim_share(working, view, probability)
    if share > MOST_AT_RIM:
        yield QualityWarning(
            Check.LESION_LOAD,
            f"{100 * share:.0f} % of the lesion probability lies at the rim of the brain mask, where scalp and bone shine in: "
            "check the brain mask over FLAIR.",
        )


def lesion_free_warnings(segmentation: Segmentation, lesion_free_ml: float) -> Iterator[QualityWarning]:
    """Where no more was found than the model finds in brains without lesions: rims and caps of the ventricles, above all."""
    if segmentation.lesions and segmentation.volume_ml <= lesion_free_ml:
        yield QualityWarning(
            Check.LESION_LOAD,
            f"{segmentation.volume_ml:.1f} ml is no more than this model finds in half of the brains without any lesion "
            f"({lesion_free_ml:.1f} ml): a person without MS may look like this. Judge each lesion by the images.",
        )


def _amounts(segmentation: Segmentation, brain_ml: float) -> Iterator[str]:
    if not segmentation.lesions:
        yield (
            "No lesion was found at this threshold. This does not show that there is none: look at the probability map, and "
            "check the images."
        )
    if segmentation.volume_ml > LARGEST_SHARE * brain_ml:
        yield (
            f"{segmentation.volume_ml:.0f} ml of lesion is implausibly much for this brain: check the images and the brain "
            "mask."
        )
    tiny = sum(lesion.volume_mm3 < TINY_MM3 for lesion in segmentation.lesions)
    if tiny > MOST_TINY and tiny > TINY_SHARE * len(segmentation.lesions):
        yield (
            f"{tiny} of {len(segmentation.lesions)} lesions are smaller than {TINY_MM3:.0f} mm³, as noise is: raise the "
            "threshold, and check the images."
        )
    soft_ml, mask_ml = segmentation.soft_volume_ml, segmentation.volume_ml
    if soft_ml > SOFT_OVER_MASK * mask_ml and soft_ml - mask_ml > SOFT_EXCESS_ML:
        yield (
            f"The soft volume ({soft_ml:.1f} ml) is far above that of the lesions ({mask_ml:.1f} ml): the model is undecided "
            "over large areas. Look at the probability map before trusting the mask."
        )


def rim_share(working: WorkingExam, view: BrainView, probability: sitk.Image) -> float:
    """Share of the lesion probability that lies near the surface of the brain mask; 0 where there is little anywhere."""
    if not have_same_grid(probability, working.grid):
        raise ValueError("the probability map does not lie on the working grid")
    mass = voxels(probability)[:: view.step, :: view.step, :: view.step]
    if mass.sum(dtype=np.float64) * view.coarse_mm**3 / MM3_PER_ML < LEAST_MASS_ML:
        return 0.0
    return float(mass[view.depth_mm <= RIM_MM].sum(dtype=np.float64) / mass.sum(dtype=np.float64))
