"""Brain extraction without network weights: an atlas brain, refined by the exam's own gray values.

The default wherever HD-BET is not installed. It needs FLAIR alone and uses T1 and T2 where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import JobFailed
from MSSoftSegLib.exam.geometry import Grid, orient_canonically, resample, voxels
from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.preprocessing.brain_extraction.atlas_maps import read_atlas
from MSSoftSegLib.preprocessing.brain_extraction.atlas_registration import register_atlas
from MSSoftSegLib.preprocessing.brain_extraction.refinement import refine_brain

# No brain is smaller; an atlas that was brought elsewhere would leave less.
MIN_BRAIN_ML = 300.0


def extract_brain_with_atlas(
    images: Mapping[Modality, sitk.Image],
    *,
    progress: Callable[[float], None] = lambda fraction: None,
) -> sitk.Image:
    """The brain with its CSF-filled sulci, cerebellum and brain stem; uint8, 1 = brain, on the grid of the images.

    images: the head in each contrast present (FLAIR among them), aligned and bias-corrected on one isotropic grid of
    about 1 mm, 0 beyond a field of view. progress is told the share of the work that is done. Deterministic.
    """
    heads = [orient_canonically(images[modality]) for modality in MODALITIES if modality in images]
    flair = heads[0]
    progress(0.0)
    atlas = read_atlas()
    transform = register_atlas(atlas, flair)
    progress(0.5)
    atlas_brain = resample(atlas.brain, Grid.of(flair), source_from_grid=transform.GetInverse())
    atlas_brain = sitk.BinaryThreshold(atlas_brain, 0.5, 2.0, 1, 0)
    _check_volume(atlas_brain)
    brain = refine_brain(heads, atlas_brain)
    _check_volume(brain)
    progress(1.0)
    return resample(
        brain,
        Grid.of(images[Modality.FLAIR]),
        interpolator=sitk.sitkNearestNeighbor,
        pixel_type=sitk.sitkUInt8,
    )


def _check_volume(brain: sitk.Image) -> None:
    """Refuse what cannot be a brain."""
    volume_ml = float(np.count_nonzero(voxels(brain))) * Grid.of(brain).voxel_volume_mm3 / MM3_PER_ML
    if volume_ml < MIN_BRAIN_ML:
        raise JobFailed(
            f"brain extraction found only {volume_ml:.0f} mL of brain",
            remedy="check that the images show a whole head, or give a brain mask",
        )
