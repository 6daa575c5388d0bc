"""The regions of the atlas that ships: how probable each is around its place in a standard brain (Resources/Atlas)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.exam.geometry import Grid, image_like, orient_canonically, voxels
from MSSoftSegLib.region.coarse import coarse
from MSSoftSegLib.region.regions import TISSUES, Region
from MSSoftSegLib.resources import find_resources

# How far a border may lie from where registration brings it, SD in mm: folds of the cortex vary most among people.
BORDER_SD_MM = 1.5
CORTEX_SD_MM = 2.5
# Beyond this many SD there is nothing.
REACH_SD = 3
# Voxel sizes of registration, coarse to fine.
REGISTRATION_MM = (4.0, 2.5)


@dataclass(frozen=True)
class AtlasRegions:
    """On the atlas's 1 mm grid (LPS), arrays (z, y, x). labels: uint8, the region of each voxel; prior: of tissues, 0–1, blurred.

    tissue: 1 − fluid within the brain, 0–1, with the voxel sizes of registration.
    """

    grid: Grid
    tissue: tuple[sitk.Image, ...]
    labels: np.ndarray
    prior: Mapping[Region, np.ndarray]


@cache
def read_atlas_regions() -> AtlasRegions:
    """Maps and labels from Resources/Atlas."""
    folder = find_resources() / "Atlas"
    brain, csf, labels = (
        orient_canonically(sitk.ReadImage(str(folder / f"{stem}.nii.gz"))) for stem in ("brain", "csf", "regions")
    )
    tissue = np.clip(voxels(brain).astype(np.float32) - voxels(csf), 0, 255) / 255
    array = voxels(labels)
    small = tuple(coarse(image_like(brain, tissue), spacing_mm) for spacing_mm in REGISTRATION_MM)
    return AtlasRegions(Grid.of(brain), small, array, _priors(array))


def _priors(labels: np.ndarray) -> dict[Region, np.ndarray]:
    """Each region blurred by how uncertain its border is; cortex and white matter share theirs."""
    folded = (Region.CORTEX, Region.CEREBRAL_WHITE)
    return {
        region: _blurred(labels == region, CORTEX_SD_MM if region in folded else BORDER_SD_MM) for region in TISSUES
    }


def _blurred(mask: np.ndarray, sd_voxels: float) -> np.ndarray:
    """A Gaussian over a mask, float32, computed where it is not 0."""
    reach = int(np.ceil(REACH_SD * sd_voxels)) + 1
    occupied = [np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    box = tuple(slice(max(0, int(some[0]) - reach), int(some[-1]) + reach + 1) for some in occupied)
    blurred = np.zeros(mask.shape, np.float32)
    blurred[box] = ndimage.gaussian_filter(mask[box].astype(np.float32), sd_voxels, truncate=REACH_SD)
    return blurred
