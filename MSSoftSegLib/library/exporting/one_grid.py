"""Images of a case on FLAIR's grid, for readers that put the images of a case into one array: nnU-Net, and MONAI's LoadImaged.

Native T1 and T2 are resampled by their headers alone, which is right only as far as the patient lay still.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadLibrary
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, image_like, resample, voxels
from MSSoftSegLib.exam.image_file import read_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.case_record import CaseRecord
from MSSoftSegLib.library.layout import resolve_inside

LOGGER = logging.getLogger(__name__)


def resample_to_flair(library: Path, record: CaseRecord, modality: Modality, flair: sitk.Image) -> sitk.Image:
    """One image of a case on exactly FLAIR's grid; headers that agree to rounding are made equal, for readers compare them."""
    if modality is Modality.FLAIR:
        return flair
    path = resolve_inside(library, record.case_id.image(modality))
    image = read_image(path)
    if not have_same_grid(image, flair):
        LOGGER.warning("%s of %s is resampled to FLAIR by its header, not aligned", modality.upper(), record.case_id)
        image = _resampled(image, flair, name=path.name)
    return image_like(flair, voxels(image))


def have_one_grid(library: Path, record: CaseRecord) -> bool:
    """Whether all images of a case lie on exactly one grid, as MONAI asks: number for number."""
    grids = [Grid.of(read_image(resolve_inside(library, record.case_id.image(modality)))) for modality in record.images]
    first = grids[0]
    return all(
        grid.size == first.size and np.allclose(grid.lps_from_voxel(), first.lps_from_voxel(), rtol=1e-5, atol=1e-8)
        for grid in grids[1:]
    )


def _resampled(image: sitk.Image, flair: sitk.Image, *, name: str) -> sitk.Image:
    moved = resample(image, Grid.of(flair))
    array = voxels(moved)
    if array.min() == array.max():
        raise BadLibrary(f"{name} and FLAIR do not overlap", remedy="exclude the case, or align its images first")
    return moved
