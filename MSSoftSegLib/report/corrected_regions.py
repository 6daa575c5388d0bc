"""Where the lesions lie that a reader left: places as the run found them, counts and dissemination in space anew."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.lesion.segmentation import Segmentation
from MSSoftSegLib.region.burden import burden
from MSSoftSegLib.region.choices import Entered
from MSSoftSegLib.region.dissemination import dissemination
from MSSoftSegLib.region.longest_axis import longest_axes_mm
from MSSoftSegLib.region.places import LesionPlace
from MSSoftSegLib.region.regions import Place
from MSSoftSegLib.report.region_facts import (
    LesionRegionFacts,
    RegionFacts,
    make_dissemination_facts,
    make_lesion_region_facts,
)


def correct_region_facts(
    facts: RegionFacts, segmentation: Segmentation, shared: np.ndarray, entered: Mapping[str, Entered]
) -> RegionFacts:
    """The facts of the lesions of a corrected segmentation.

    facts: of the run. shared: voxels that each corrected lesion 1…n shares with each of the run's 1…m, (n, m). entered: of
    spinal_cord and optic_nerve. A lesion has the places of those it came from: rejected ones count no more, and one that was
    drawn by hand has no place and is counted nowhere.
    """
    known = {lesion.id: lesion for lesion in facts.lesions}
    axis_mm = longest_axes_mm(voxels(segmentation.instances), Grid.of(segmentation.instances))
    places = []
    for lesion, row in zip(segmentation.lesions, shared, strict=True):
        origins = [(known[n], int(count)) for n, count in enumerate(row, start=1) if count and n in known]
        if origins:
            places.append(_place(lesion.id, axis_mm[lesion.id], origins))
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
