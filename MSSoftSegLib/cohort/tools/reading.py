"""A tool's lesions on the FLAIR image's grid: mask and probability, whatever file they came in."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.cohort.tools.layouts import FoundResult
from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, voxels
from MSSoftSegLib.exam.image_file import read_image, read_map, read_mask

HALF = 0.5


@dataclass(frozen=True)
class ToolLesions:
    """mask: uint8, 0 or 1; probability: float32, 0–1, the mask itself where the tool gives none. Both on FLAIR's grid.

    resampled: they lay on another grid, and were brought here as they lie in space.
    """

    mask: sitk.Image
    probability: sitk.Image
    resampled: bool


def read_lesions(found: FoundResult, label: int | None, flair: sitk.Image) -> ToolLesions:
    """Read what was found; BadImage where a file is none. A probability alone is cut at one half."""
    moved = False
    probability = mask = None
    if found.probability is not None:
        probability, moved = _probability(found.probability, flair)
    if found.mask is not None:
        mask, also = _mask(found.mask, label, flair)
        moved = moved or also
    if mask is None and probability is not None:
        mask = sitk.Cast(probability >= HALF, sitk.sitkUInt8)
    if mask is None:
        raise ValueError("one of the two files must be there")
    return ToolLesions(mask, sitk.Cast(mask, sitk.sitkFloat32) if probability is None else probability, moved)


def _mask(path: Path, label: int | None, flair: sitk.Image) -> tuple[sitk.Image, bool]:
    labels = _label_alone(path, label)
    if have_same_grid(labels, flair):
        return Grid.of(flair).image(voxels(labels)), False
    return sitk.Resample(labels, flair, sitk.Transform(), sitk.sitkNearestNeighbor, 0), True


def _label_alone(path: Path, label: int | None) -> sitk.Image:
    """Lesion 1, all else 0; also of FreeSurfer's .mgz, whose label numbers are larger than a mask's."""
    try:
        image: Any = nibabel.load(path)
        values = np.asarray(image.dataobj)
    except (OSError, ValueError, EOFError, nibabel.filebasedimages.ImageFileError):
        raise BadImage(f"{path.name} could not be read", remedy="run the tool again, or leave the exam out") from None
    values = values[..., 0] if values.ndim == 4 and values.shape[3] == 1 else values
    if values.ndim != 3:
        raise BadImage(f"{path.name} is not three-dimensional", remedy="give the tool's label map")
    inside = (values != 0 if label is None else np.rint(values) == label).astype(np.uint8)
    with tempfile.TemporaryDirectory(prefix="mssoftseg-tool-") as scratch:
        # Through a file, so that one reader alone judges geometry.
        nibabel.save(nibabel.Nifti1Image(inside, image.affine), Path(scratch) / "mask.nii")
        return read_mask(Path(scratch) / "mask.nii")


def _probability(path: Path, flair: sitk.Image) -> tuple[sitk.Image, bool]:
    image = read_image(path)
    if have_same_grid(image, flair):
        return read_map(path, like=flair), False
    checked = read_map(path, like=image)
    return sitk.Resample(checked, flair, sitk.Transform(), sitk.sitkLinear, 0.0), True
