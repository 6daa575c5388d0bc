"""Anatomies to draw images of: five real tissue maps and the template.

The real maps are FAST's classes (Lesjak et al. 2017; ms.lesion), in which most lesions are called gray matter or fluid:
where that patient's own lesion mask is set, the tissue becomes white matter, for lesions are drawn anew later.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from MSSoftSegLib.resources import find_resources
from MSSoftSegLib.training.synthesis.lesion_bank import brain_moments, read_lps

CSF, GRAY, WHITE = 1, 2, 3
# The template's brain is about a tenth larger than a person's.
TEMPLATE_SCALE = 0.92


@dataclass(frozen=True)
class TissueMaps:
    """Fractions of CSF, gray and white matter per voxel, float16 (3, z, y, x) at 1 mm in LPS order.

    scale: how much the maps are shrunk when drawn; center and spread of the brain are in voxels (z, y, x).
    """

    name: str
    fractions: np.ndarray
    scale: float
    brain_center: np.ndarray
    brain_spread: np.ndarray


def load_anatomy_bank(data: Path) -> list[TissueMaps]:
    """The template, and every patient under ``data/tissues``."""
    patients = sorted((data / "tissues").glob("patient*"))
    return [_template(), *(_patient(folder, data / "lesion_masks" / folder.name) for folder in patients)]


def _patient(tissue_folder: Path, lesion_folder: Path) -> TissueMaps:
    classes = read_lps(tissue_folder / "tissues_fast_1mm.nii.gz")
    lesions = read_lps(lesion_folder / "lesion_consensus_1mm.nii.gz") > 0.5
    # One voxel more than the mask: FAST's gray rim around a lesion would teach a halo that is not there.
    classes[ndimage.binary_dilation(lesions) & (classes == GRAY) | lesions] = WHITE
    return _tissue_maps(tissue_folder.name, [classes == tissue for tissue in (CSF, GRAY, WHITE)], scale=1.0)


def _template() -> TissueMaps:
    atlas = find_resources() / "Atlas"
    fractions = [read_lps(atlas / f"{stem}.nii.gz") / 255.0 for stem in ("csf", "gray_matter", "white_matter")]
    # An average of 152 brains is blurred: raising the fractions to a power brings back borders as sharp as one person's.
    sharpened = np.stack(fractions) ** 3
    total = sharpened.sum(axis=0)
    brain = read_lps(atlas / "brain.nii.gz") > 127
    sharpened = np.where(brain & (total > 0), sharpened / np.maximum(total, 1e-6), 0.0)
    return _tissue_maps("template", list(sharpened), scale=TEMPLATE_SCALE)


def _tissue_maps(name: str, fractions: list[np.ndarray], *, scale: float) -> TissueMaps:
    stacked = np.stack(fractions).astype(np.float16)
    center, spread = brain_moments(stacked.sum(axis=0) > 0.5)
    return TissueMaps(name, stacked, scale, center, spread)
