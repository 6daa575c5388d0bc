"""Brain masks that nobody has to compute: a file, or an image that holds nothing but brain."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadExam, BadImage, GridMismatch
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, image_like, resample, voxels
from MSSoftSegLib.exam.image_file import read_mask

LOGGER = logging.getLogger(__name__)
# Of a brain less may be seen by an image that shows only a part of the head; by half of it nobody segments.
LEAST_SHARE_INSIDE = 0.5
# A head with its skull seldom leaves so little of its field of view at exactly zero; a lone brain always leaves more.
MAX_BRAIN_SHARE = 0.9


def find_nonzero_brain(image: sitk.Image, *, name: str) -> sitk.Image:
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


def read_brain_mask(path: Path, reference: sitk.Image) -> sitk.Image:
    """A brain mask as a mask of the reference image's voxels, uint8, 1 = brain; every label but 0 is brain.

    One that lies on other voxels of the same space is brought there by nearest neighbor, which the log says; one that lies
    mostly outside the image belongs to another space, GridMismatch.
    """
    mask = read_mask(path)
    brain = image_like(mask, (voxels(mask) != 0).astype(np.uint8))
    if not voxels(brain).any():
        raise BadImage(f"the brain mask {path.name} is empty", remedy="give a mask that marks the brain")
    if have_same_grid(mask, reference):
        return image_like(reference, voxels(brain))
    share = _share_inside(brain, Grid.of(reference))
    if share < LEAST_SHARE_INSIDE:
        raise GridMismatch(
            f"only {share:.0%} of the brain mask {path.name} lies inside the image",
            remedy="give a mask of this exam, in the space of its images",
        )
    LOGGER.info("%s lies on other voxels than the image and was brought to them by nearest neighbor", path.name)
    return resample(brain, Grid.of(reference), interpolator=sitk.sitkNearestNeighbor, pixel_type=sitk.sitkUInt8)


def _share_inside(mask: sitk.Image, grid: Grid) -> float:
    """How much of a mask (> 0) lies inside a grid's field of view."""
    x, y, z = np.nonzero(voxels(mask))[::-1]
    there = np.linalg.solve(
        grid.lps_from_voxel(), Grid.of(mask).lps_from_voxel() @ np.stack([x, y, z, np.ones(len(x))])
    )
    size = np.array(grid.size)[:, None]
    return float(((there[:3] >= -0.5) & (there[:3] <= size - 0.5)).all(axis=0).mean())
