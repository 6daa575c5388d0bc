"""Where spinal fluid is, by the exam's own images: dark on FLAIR and T1, bright on T2.

The level of tissue is the brain's median. The level of fluid is that of the darkest (T2: brightest) of what is well below
(above) it deep inside the mask, where no skull is: in the ventricles.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.geometry import image_like, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.working_exam import WorkingExam

# FLAIR below this share of the tissue level may be fluid: gray and white matter differ by less.
DARK_SHARE = {Modality.FLAIR: 0.62, Modality.T1: 0.62}
# On T2 fluid is at least this many times as bright as tissue; lesions rarely are.
BRIGHT_TIMES = 1.7
# How far inside the mask the fluid level is read, mm.
DEEP_MM = 12.0
FEWEST_VOXELS = 200
# Above this share of the tissue level on FLAIR nothing is fluid, whatever T1 says: a lesion is dark on T1 too.
LESION_SHARE = 1.15


def fluid_fraction(working: WorkingExam) -> sitk.Image:
    """The fraction of each voxel that is fluid, float32, 0–1, 0 outside the brain; the mean over FLAIR, T1 and T2.

    BadImage where FLAIR shows no fluid inside the brain at all.
    """
    inside = voxels(working.brain_mask) > 0
    deep = _deep(working.brain_mask)
    arrays = {m: voxels(working.images[m]) for m in (Modality.FLAIR, Modality.T1, Modality.T2) if m in working.images}
    fractions = []
    for modality, array in arrays.items():
        level = _levels(array, inside, deep, modality)
        if level is None and modality is Modality.FLAIR:
            raise BadImage(
                "no fluid was found inside the brain on FLAIR",
                remedy="check that FLAIR is the fluid-suppressed image and that the brain mask lies on the brain",
            )
        if level is not None:
            tissue, fluid = level
            fractions.append(np.clip((tissue - array) / (tissue - fluid), 0, 1))
    fraction = np.mean(fractions, axis=0)
    flair = arrays[Modality.FLAIR]
    fraction[flair > LESION_SHARE * np.median(flair[inside])] = 0
    return image_like(working.brain_mask, np.where(inside, fraction, 0).astype(np.float32))


def _deep(brain_mask: sitk.Image) -> np.ndarray:
    """The inner part of the mask."""
    spacing = brain_mask.GetSpacing()[::-1]
    return np.asarray(ndimage.distance_transform_edt(voxels(brain_mask) > 0, sampling=spacing) > DEEP_MM)


def _levels(
    array: np.ndarray, inside: np.ndarray, deep: np.ndarray, modality: Modality
) -> tuple[float, float] | None:
    """Intensity of tissue (a fraction of fluid begins there) and of fluid; None where no fluid is seen."""
    tissue = float(np.median(array[inside]))
    values = array[deep]
    if modality is Modality.T2:
        fluid = values[values > BRIGHT_TIMES * tissue]
        edge = 1.25 * tissue
    else:
        fluid = values[values < DARK_SHARE[modality] * tissue]
        edge = 0.9 * tissue
    if fluid.size < FEWEST_VOXELS:
        return None
    return edge, float(np.median(fluid))
