"""What ``regions.json`` says: counts, volumes, fractions, dissemination in space, and how it was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.jobs.documents.regions import RegionsSpec
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.region.burden import brain_volumes, burden
from MSSoftSegLib.region.dissemination import STATEMENT, Dissemination, dissemination
from MSSoftSegLib.region.places import LesionPlace
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.version import VERSION


def facts_of(
    spec: RegionsSpec,
    regions: RegionMap,
    working: WorkingExam,
    places: Sequence[LesionPlace],
    volume_mm3: Mapping[int, float],
    interval: tuple[int, int] | None,
) -> dict[str, Any]:
    """The document, base names only. volume_mm3: by id; interval: of the count, where instances were split."""
    load = burden(places, volume_mm3)
    lesions_ml = sum(volume_mm3[place.id] for place in places) / MM3_PER_ML
    sizes = brain_volumes(regions, working.brain_mask, lesions_ml)
    entered = {"spinal_cord": spec.spinal_cord, "optic_nerve": spec.optic_nerve}
    return {
        "schema_version": 1,
        "research_use_only": True,
        "software_version": VERSION,
        "regions": regions.source,
        "instances": spec.instances,
        "lesions": len(places),
        "lesion_count_interval": list(interval) if interval else None,
        "count_by_place": {place.value: count for place, count in load.count.items()},
        "volume_ml_by_place": {place.value: round(ml, 4) for place, ml in load.volume_ml.items()},
        "volume_ml": {
            "brain_mask": round(sizes.mask_ml, 2),
            "tissue": round(sizes.tissue_ml, 2),
            "ventricles": round(sizes.ventricles_ml, 2),
            "lesions": round(sizes.lesions_ml, 4),
        },
        "fractions": {name: round(value, 5) for name, value in sizes.fractions.items()},
        "statement": STATEMENT,
        "entered": {place: said.value for place, said in entered.items()},
        "dissemination_in_space": [_in_words(answer) for answer in dissemination(places, entered)],
    }


def _in_words(answer: Dissemination) -> dict[str, Any]:
    """One definition's count."""
    definition = answer.definition
    return {
        "definition": definition.name,
        "source": definition.citation,
        "places_counted": definition.place_count,
        "affected_probability": {
            place: None if chance is None else round(chance, 4) for place, chance in answer.affected.items()
        },
        "at_least_two_places_probability": round(answer.probability, 4),
        "note": "a count of places, no diagnosis; places not entered are counted as free of lesions",
    }
