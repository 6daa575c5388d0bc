"""Lesions counted and measured by place, and how large brain, ventricles and lesions are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.region.places import LesionPlace
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.region.regions import TISSUES, Place


@dataclass(frozen=True)
class Burden:
    """count: lesions that belong to a place (one in two places counts in both); volume_ml: shared out, summing to the total."""

    count: Mapping[Place, int]
    volume_ml: Mapping[Place, float]


@dataclass(frozen=True)
class BrainVolumes:
    """Volumes within the brain mask, soft sums. tissue: gray and white matter with lesions; ventricles: all four."""

    mask_ml: float
    tissue_ml: float
    ventricles_ml: float
    lesions_ml: float

    @property
    def fractions(self) -> dict[str, float]:
        """Of the brain mask: tissue and ventricles; of the tissue: lesions. The mask's share of outer fluid is its maker's."""
        return {
            "tissue_of_mask": self.tissue_ml / self.mask_ml,
            "ventricles_of_mask": self.ventricles_ml / self.mask_ml,
            "lesions_of_tissue": self.lesions_ml / max(self.tissue_ml, 1e-9),
        }


def burden(lesions: Iterable[LesionPlace], volume_mm3: Mapping[int, float]) -> Burden:
    """Count and volume by place. volume_mm3: of each lesion by its id."""
    lesions = tuple(lesions)
    return Burden(
        count={place: sum(place in lesion.places for lesion in lesions) for place in Place},
        volume_ml={
            place: sum(lesion.share[place] * volume_mm3[lesion.id] for lesion in lesions) / MM3_PER_ML
            for place in Place
        },
    )


def brain_volumes(regions: RegionMap, brain_mask: sitk.Image, lesions_ml: float) -> BrainVolumes:
    """The volumes of one exam. brain_mask: uint8, on the region map's grid; an empty one is a ValueError."""
    inside = voxels(brain_mask) > 0
    if not inside.any():
        raise ValueError("the brain mask is empty")
    voxel_ml = Grid.of(brain_mask).voxel_volume_mm3 / MM3_PER_ML
    return BrainVolumes(
        mask_ml=float(inside.sum()) * voxel_ml,
        tissue_ml=float(regions.array(*TISSUES)[inside].sum()) * voxel_ml,
        ventricles_ml=float(regions.ventricles()[inside].sum()) * voxel_ml,
        lesions_ml=lesions_ml,
    )
