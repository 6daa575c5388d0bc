"""Regions of an exam: the atlas's, brought there by registration, and moved by what the exam's own images show."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.region.exam_anatomy import ExamAnatomy, find_anatomy
from MSSoftSegLib.region.gray_white import cortex_odds
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.region.regions import FLUIDS, REGIONS, TISSUES, Region

SMALLEST_PRIOR = 1e-4
ATLAS_SOURCE = "ICBM 152 atlas, registered and refined by the exam's own images"


def map_regions(working: WorkingExam, lesions: sitk.Image | None = None) -> RegionMap:
    """The exam's regions; deterministic. lesions: mask on the working grid, where gray values are not trusted (optional)."""
    return regions_in(find_anatomy(working), working, lesions)


def regions_in(anatomy: ExamAnatomy, working: WorkingExam, lesions: sitk.Image | None) -> RegionMap:
    """The same where the exam's anatomy is known: cortex and white matter told apart, everything else shared out by it."""
    brain, prior, wet = voxels(working.brain_mask) > 0, anatomy.prior, anatomy.fluid
    # Not dilated: cortex that a lesion touches must still be seen as cortex.
    inside = np.zeros(brain.shape, bool) if lesions is None else voxels(lesions) > 0
    odds = cortex_odds(
        working,
        cortex_prior=prior[Region.CORTEX],
        white_prior=prior[Region.CEREBRAL_WHITE],
        fluid=wet,
        lesions=inside,
    )
    weight = {Region.CORTEX: odds}
    arrays = {r: np.maximum(prior[r], SMALLEST_PRIOR) * weight.get(r, np.float32(1)) for r in TISSUES}
    total = np.sum(list(arrays.values()), axis=0)
    dry = np.where(brain, 1 - wet, 0) / total
    arrays = {r: array * dry for r, array in arrays.items()}
    arrays |= {r: np.where(brain, wet * anatomy.spaces[r], 0) for r in FLUIDS}
    images = {r: working.grid.image(arrays[r].astype(np.float32)) for r in REGIONS}
    return RegionMap(images, ATLAS_SOURCE)
