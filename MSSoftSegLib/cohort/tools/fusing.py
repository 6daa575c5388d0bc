"""One answer of several: the mean of all probabilities, or STAPLE (Warfield et al. 2004, doi:10.1109/TMI.2004.828354)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.cohort.tools.reading import HALF, ToolLesions
from MSSoftSegLib.exam.geometry import image_like, voxels

Fusion = Literal["soft-vote", "staple"]
FUSIONS: tuple[str, ...] = get_args(Fusion)


def fuse(answers: Sequence[ToolLesions], how: Fusion) -> ToolLesions:
    """The consensus: its probability, and the mask from one half on. ValueError with fewer than two answers.

    soft-vote: the mean of the probabilities; a tool that gives a mask alone votes 0 or 1. staple: of the masks; without any
    lesion in all of them it is empty.
    """
    if len(answers) < 2:
        raise ValueError("a consensus needs two answers")
    grid = answers[0].mask
    if how == "soft-vote":
        array = np.mean([voxels(each.probability) for each in answers], axis=0, dtype=np.float64)
    elif any(voxels(each.mask).any() for each in answers):
        array = voxels(sitk.STAPLE([each.mask for each in answers], 1.0))
    else:
        array = np.zeros(voxels(grid).shape)
    soft = np.clip(array, 0, 1).astype(np.float32)
    mask = image_like(grid, (soft >= HALF).astype(np.uint8))
    return ToolLesions(mask, image_like(grid, soft), any(each.resampled for each in answers))
