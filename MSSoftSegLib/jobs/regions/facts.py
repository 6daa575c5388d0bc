"""What ``regions.json`` says: counts, volumes, fractions, dissemination in space, and how it was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.jobs.documents.regions import RegionsSpec
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.region.burden import brain_volumes, burden
from MSSoftSegLib.region.dissemination import dissemination
from MSSoftSegLib.region.exam_regions import ExamRegions
from MSSoftSegLib.region.places import LesionPlace
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.report.region_facts import make_region_facts
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
    lesions_ml = sum(volume_mm3[place.id] for place in places) / MM3_PER_ML
    entered = {"spinal_cord": spec.spinal_cord, "optic_nerve": spec.optic_nerve}
    found = ExamRegions(
        source=regions.source,
        places=tuple(places),
        burden=burden(places, volume_mm3),
        volumes=brain_volumes(regions, working.brain_mask, lesions_ml),
        dissemination=dissemination(places, entered),
    )
    # Each lesion is a row of lesions.csv.
    shared = make_region_facts(found).model_dump(mode="json", exclude={"lesions"})
    return {
        "schema_version": 1,
        "research_use_only": True,
        "software_version": VERSION,
        "instances": spec.instances,
        "lesions": len(places),
        "lesion_count_interval": list(interval) if interval else None,
        "entered": {place: said.value for place, said in entered.items()},
        **shared,
    }
