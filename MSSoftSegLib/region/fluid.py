"""Where spinal fluid is, by the exam's own images: dark on FLAIR and T1, bright on T2.

The level of tissue is the brain's median; the level of fluid is that of what is well below (T2: above) it deep inside the
mask, where no skull is.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.geometry import image_like, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.distance import distance_mm
from MSSoftSegLib.preprocessing.working_exam import WorkingExam

# Below this share of the tissue level FLAIR or T1 may be fluid: gray and white matter differ by less.
DARK_SHARE = 0.62
# On T2 fluid is at least this many times as bright as tissue; lesions rarely are.
BRIGHT_TIMES = 1.7
# Fluid and tissue that differ by less than this factor cannot be told apart.
LEAST_CONTRAST = 1.15
# How far inside the mask the fluid level is read, mm.
DEEP_MM = 12.0
FEWEST_VOXELS = 200
# Where FLAIR shows less fluid than this, T1 and T2 add none: lesions look like fluid on both, and are bright on FLAIR.
SOME_FLUID = 0.1


def fluid_fraction(working: WorkingExam, ventricles: np.ndarray | None = None) -> sitk.Image:
    """The fraction of each voxel that is fluid, float32, 0–1, 0 outside the brain.

    FLAIR decides; T1 and T2, where present, add fluid that FLAIR shows half suppressed, as where it flows. ventricles: bool
    (z, y, x), where ventricles are by registration: the level of fluid is then read there, which skull and vessels, darker
    than fluid, would draw down. BadImage where FLAIR shows no fluid inside the brain at all.
    """
    inside = voxels(working.brain_mask) > 0
    where = _deep(working.brain_mask) if ventricles is None else ventricles & inside
    shown = {
        modality: _fraction(voxels(working.images[modality]), inside, where, modality, known=ventricles is not None)
        for modality in (Modality.FLAIR, Modality.T1, Modality.T2)
        if modality in working.images
    }
    fraction = shown.pop(Modality.FLAIR)
    if fraction is None:
        raise BadImage(
            "no fluid was found inside the brain on FLAIR",
            remedy="check that FLAIR is the fluid-suppressed image and that the brain mask lies on the brain",
        )
    others = [other for other in shown.values() if other is not None]
    if others:
        fraction = np.where(fraction > SOME_FLUID, np.maximum(fraction, np.mean(others, axis=0)), fraction)
    return image_like(working.brain_mask, np.where(inside, fraction, 0).astype(np.float32))


def _deep(brain_mask: sitk.Image) -> np.ndarray:
    """The inner part of the mask."""
    outside = voxels(brain_mask) == 0
    if not outside.any():
        return np.ones(outside.shape, bool)
    return np.asarray(distance_mm(outside, brain_mask.GetSpacing()) > DEEP_MM)


def _fraction(
    array: np.ndarray, inside: np.ndarray, where: np.ndarray, modality: Modality, *, known: bool
) -> np.ndarray | None:
    """Fraction of fluid by one contrast; the level of fluid is the median of `where`, unless known of what looks like fluid."""
    tissue, values = float(np.median(array[inside])), array[where]
    bright = modality is Modality.T2
    if not known:
        values = values[values > BRIGHT_TIMES * tissue] if bright else values[values < DARK_SHARE * tissue]
    if values.size < FEWEST_VOXELS:
        return None
    fluid = float(np.median(values))
    if (fluid <= tissue * LEAST_CONTRAST) if bright else (fluid * LEAST_CONTRAST >= tissue):
        return None
    fraction: np.ndarray = np.clip((tissue - array) / (tissue - fluid), 0, 1)
    return fraction
