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
from MSSoftSegLib.errors import BadImage, GridMismatch
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, voxels
from MSSoftSegLib.exam.image_file import LABEL_TOLERANCE, read_image, read_map, read_mask
from MSSoftSegLib.exam.label_doubts import describe_voxel_count

HALF = 0.5
# A tool's grid may end earlier than the image; by less than this nobody's lesions are.
LEAST_SHARE_KEPT = 0.5


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
    moved = sitk.Resample(labels, flair, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    _check_lies_there(path.name, labels, moved)
    return moved, True


def _check_lies_there(name: str, before: sitk.Image, after: sitk.Image) -> None:
    """Refuse lesions that leave the image on the way: they are of another space, a template's for instance."""
    marked_mm3, kept_mm3 = (
        int(voxels(each).sum(dtype=int)) * Grid.of(each).voxel_volume_mm3 for each in (before, after)
    )
    if kept_mm3 < LEAST_SHARE_KEPT * marked_mm3:
        raise GridMismatch(
            f"most of what {name} marks lies outside the FLAIR image ({kept_mm3:.0f} of {marked_mm3:.0f} mm³ inside)",
            remedy="give the tool's answer in the space of the FLAIR image",
        )


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
    with np.errstate(invalid="ignore"):
        odd = ~(np.abs(values - np.rint(values)) <= LABEL_TOLERANCE) | (values < -LABEL_TOLERANCE)
    if odd.any():
        raise BadImage(
            f"{path.name} is no label map: it holds the value {values[odd][0]:.4g} ({describe_voxel_count(int(odd.sum()))})",
            remedy="give the tool's mask; call a probability map …_prob",
        )
    inside = (np.rint(values) != 0 if label is None else np.rint(values) == label).astype(np.uint8)
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
