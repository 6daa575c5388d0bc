"""Brain masks that nobody has to compute: a file, or an image that holds nothing but brain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadExam, BadImage
from MSSoftSegLib.exam.geometry import image_like, voxels
from MSSoftSegLib.exam.image_file import read_mask

# A head with its skull seldom leaves so little of its field of view at exactly zero; a lone brain always leaves more.
MAX_BRAIN_SHARE = 0.9


def nonzero_brain(image: sitk.Image, *, name: str) -> sitk.Image:
    """The voxels ≠ 0 of a skull-stripped image, uint8: interpolation leaves negative values inside the brain.

    name: what to call the image in an error.
    """
    nonzero = voxels(image) != 0
    share = float(nonzero.mean())
    if share > MAX_BRAIN_SHARE:
        raise BadExam(
            f"{name} is not skull-stripped: {share:.0%} of its voxels are not zero",
            remedy="choose brain extraction by 'auto' or 'atlas', or give a brain mask",
        )
    if share == 0:
        raise BadImage(f"{name} holds nothing but zeros", remedy="check the image")
    return image_like(image, nonzero.astype(np.uint8))


def brain_from_file(path: Path, reference: sitk.Image) -> sitk.Image:
    """A brain mask drawn on the reference image's voxels, uint8, 1 = brain; every label but 0 is brain."""
    brain = voxels(read_mask(path, like=reference)) != 0
    if not brain.any():
        raise BadImage(f"the brain mask {path.name} is empty", remedy="give a mask that marks the brain")
    return image_like(reference, brain.astype(np.uint8))
