"""Real lesion shapes: the consensus masks of the open_ms data set, one patient left out where she is the test.

Source of the masks: Lesjak et al. 2017 (CC-BY), as laid out by the development data's ``lesion_masks`` folder.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.errors import RequestError

EVERY_NEIGHBOR = np.ones((3, 3, 3))


@dataclass(frozen=True)
class LesionShape:
    """One patient's lesions: labels (z, y, x) at 1 mm, LPS order, 0 = none; the brain's center and spread in voxels (z, y, x)."""

    patient: str
    labels: np.ndarray
    count: int
    brain_center: np.ndarray
    brain_spread: np.ndarray


def brain_moments(brain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Center and per-axis standard deviation of a mask's voxels, in voxels (z, y, x)."""
    points = np.argwhere(brain)
    return points.mean(axis=0), points.std(axis=0)


def read_lps(path: Path) -> np.ndarray:
    """A mask or label map as an array (z, y, x) in LPS order."""
    return sitk.GetArrayFromImage(sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS"))


def load_lesion_bank(data: Path, *, without: Collection[str]) -> list[LesionShape]:
    """All patients' lesion shapes under ``data/lesion_masks`` except those named in ``without``."""
    folders = sorted(path for path in (data / "lesion_masks").glob("patient*") if path.name not in without)
    if not folders:
        raise RequestError(
            "no lesion masks were found in the data folder", remedy="pass the folder that holds lesion_masks/patientNN"
        )
    return [_lesion_shape(folder) for folder in folders]


def _lesion_shape(folder: Path) -> LesionShape:
    # The two files match voxel by voxel although their headers differ by half a voxel of the original scan.
    lesions = read_lps(folder / "lesion_consensus_1mm.nii.gz") > 0.5
    center, spread = brain_moments(read_lps(folder / "brainmask_1mm.nii.gz") > 0.5)
    labels, count = ndimage.label(lesions, EVERY_NEIGHBOR)
    return LesionShape(folder.name, labels.astype(np.int16), count, center, spread)
