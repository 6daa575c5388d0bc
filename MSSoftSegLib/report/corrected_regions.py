"""Where the lesions lie that a reader left: those she drew or changed by the exam's regions, the others as the run found them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from MSSoftSegLib.exam.geometry import Grid, image_like, resample, voxels
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.lesion.corrected import count_shared_voxels
from MSSoftSegLib.lesion.segmentation import Segmentation
from MSSoftSegLib.region.burden import burden
from MSSoftSegLib.region.choices import Entered
from MSSoftSegLib.region.dissemination import dissemination
from MSSoftSegLib.region.longest_axis import longest_axes_mm
from MSSoftSegLib.region.places import LesionPlace, place_lesions
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.region.regions import REGIONS, Place
from MSSoftSegLib.report.region_facts import (
    LesionRegionFacts,
    RegionFacts,
    make_dissemination_facts,
    make_lesion_region_facts,
)

# What lies in the brain by less than this share of its volume has no place there: the nearest one would be a guess.
LEAST_SHARE_IN_BRAIN = 0.5


@dataclass(frozen=True)
class CorrectedPlaces:
    """places: by rising number. anew: lesions that were placed by the exam's regions; outside: those that lie outside the brain.

    Lesions that are in none of these have no place.
    """

    places: tuple[LesionPlace, ...]
    anew: frozenset[int] = frozenset()
    outside: frozenset[int] = frozenset()


def place_corrected(
    facts: RegionFacts, segmentation: Segmentation, instances: np.ndarray, regions: RegionMap
) -> CorrectedPlaces:
    """The places of a corrected segmentation's lesions.

    facts: of the run; instances: its lesions 1…m, (z, y, x). regions: of the exam, in the space of the reference image. A lesion
    with exactly the voxels of one of the run's keeps what the run said.
    """
    known = {lesion.id: lesion for lesion in facts.lesions}
    found = voxels(segmentation.instances)
    kept = {number: _keep(number, known[own]) for number, own in _unchanged(found, instances) if own in known}
    changed = image_like(segmentation.instances, np.where(np.isin(found, list(kept)), 0, found))
    inside = _shares_in_brain(found, Grid.of(segmentation.instances), regions)
    anew = {place.id: place for place in place_lesions(changed, regions)}
    outside = frozenset(number for number in anew if inside[number] < LEAST_SHARE_IN_BRAIN)
    placed = kept | {number: place for number, place in anew.items() if number not in outside}
    return CorrectedPlaces(tuple(placed[number] for number in sorted(placed)), frozenset(anew) - outside, outside)


def carry_places(facts: RegionFacts, segmentation: Segmentation, instances: np.ndarray) -> CorrectedPlaces:
    """The same where the exam's regions are not known any more.

    A lesion has the places of those it came from; one that was drawn by hand has none.
    """
    known = {lesion.id: lesion for lesion in facts.lesions}
    axis_mm = longest_axes_mm(voxels(segmentation.instances), Grid.of(segmentation.instances))
    shared = count_shared_voxels(voxels(segmentation.instances), instances)
    places = []
    for lesion, row in zip(segmentation.lesions, shared, strict=True):
        origins = [(known[n], int(count)) for n, count in enumerate(row, start=1) if count and n in known]
        if origins:
            places.append(_place(lesion.id, axis_mm[lesion.id], origins))
    return CorrectedPlaces(tuple(places))


def correct_region_facts(
    facts: RegionFacts, segmentation: Segmentation, places: Sequence[LesionPlace], entered: Mapping[str, Entered]
) -> RegionFacts:
    """The facts of the lesions of a corrected segmentation: counts, volumes and dissemination in space anew.

    facts: of the run. entered: of spinal_cord and optic_nerve. Rejected lesions count no more, and one without a place nowhere.
    """
    counted = burden(places, {lesion.id: lesion.volume_mm3 for lesion in segmentation.lesions})
    lesions_ml = sum(lesion.volume_mm3 for lesion in segmentation.lesions) / MM3_PER_ML
    tissue_ml = facts.volume_ml["tissue"]
    return facts.model_copy(
        update={
            "count_by_place": dict(counted.count),
            "volume_ml_by_place": {place: round(ml, 4) for place, ml in counted.volume_ml.items()},
            "volume_ml": facts.volume_ml | {"lesions": round(lesions_ml, 4)},
            "fractions": facts.fractions | {"lesions_of_tissue": round(lesions_ml / max(tissue_ml, 1e-9), 5)},
            "dissemination_in_space": tuple(
                make_dissemination_facts(answer) for answer in dissemination(places, entered)
            ),
            "lesions": tuple(make_lesion_region_facts(place) for place in places),
        }
    )


def _unchanged(found: np.ndarray, instances: np.ndarray) -> Iterator[tuple[int, int]]:
    """Number and the run's number of each lesion whose voxels are exactly those of one of the run's."""
    own_size, size = (np.bincount(labels.ravel()) for labels in (instances, found))
    shared = count_shared_voxels(found, instances)
    for number, own in zip(*np.nonzero(shared), strict=True):
        if shared[number, own] == size[number + 1] == own_size[own + 1]:
            yield int(number) + 1, int(own) + 1


def _keep(number: int, lesion: LesionRegionFacts) -> LesionPlace:
    """What the run said of a lesion, under the number that it has now."""
    return LesionPlace(
        id=number,
        distance_to_ventricle_mm=lesion.ventricle_distance_mm,
        distance_to_cortex_mm=lesion.cortex_distance_mm,
        longest_axis_mm=lesion.longest_axis_mm,
        membership=dict(lesion.membership),
        share=dict(lesion.share),
    )


def _shares_in_brain(labels: np.ndarray, grid: Grid, regions: RegionMap) -> np.ndarray:
    """Of each lesion, by its number, the share of its volume that lies in the brain, 0–1."""
    brain = voxels(resample(regions.grid.image(regions.array(*REGIONS)), grid))
    size = np.bincount(labels.ravel())
    return np.asarray(np.bincount(labels.ravel(), weights=brain.ravel()) / np.maximum(size, 1))


def _place(number: int, axis_mm: float, origins: list[tuple[LesionRegionFacts, int]]) -> LesionPlace:
    """Of one corrected lesion: in every place that one of its origins is in, its volume shared out as theirs.

    Gaps are of what it was, and not known.
    """
    total = sum(count for _lesion, count in origins)
    return LesionPlace(
        id=number,
        distance_to_ventricle_mm=None,
        distance_to_cortex_mm=None,
        longest_axis_mm=axis_mm,
        membership={place: max(lesion.membership[place] for lesion, _count in origins) for place in Place},
        share={place: sum(lesion.share[place] * count for lesion, count in origins) / total for place in Place},
    )
