"""What ``regions.json`` says: counts, volumes, fractions, dissemination in space, and how it was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import SimpleITK as sitk

from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.jobs.documents.regions import RegionsSpec
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.region.burden import BrainVolumes, brain_volumes, burden
from MSSoftSegLib.region.dissemination import dissemination
from MSSoftSegLib.region.exam_regions import ExamRegions
from MSSoftSegLib.region.places import LesionPlace
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.report.region_facts import make_region_facts
from MSSoftSegLib.version import VERSION


class MapOrigin(StrEnum):
    """Where the regions of an exam are from: kept with its result, found by its images, or given by the user."""

    KEPT = "kept"
    FOUND = "found"
    GIVEN = "given"


@dataclass(frozen=True)
class FoundRegions:
    """The regions on the working grid. warnings: about these. volume_ml: by name as a result has them, None = to be summed."""

    regions: RegionMap
    origin: MapOrigin
    warnings: tuple[str, ...] = ()
    volume_ml: Mapping[str, float] | None = None

    def volumes(self, brain_mask: sitk.Image, lesions_ml: float) -> BrainVolumes:
        """Of brain, ventricles and these lesions."""
        if self.volume_ml is None:
            return brain_volumes(self.regions, brain_mask, lesions_ml)
        brain, tissue, ventricles = (self.volume_ml[name] for name in ("brain_mask", "tissue", "ventricles"))
        return BrainVolumes(brain, tissue, ventricles, lesions_ml)


def facts_of(
    spec: RegionsSpec,
    found: FoundRegions,
    working: WorkingExam,
    places: Sequence[LesionPlace],
    volume_mm3: Mapping[int, float],
    interval: tuple[int, int] | None,
) -> dict[str, Any]:
    """The document, base names only. volume_mm3: by id; interval: of the count, where instances were split."""
    lesions_ml = sum(volume_mm3[place.id] for place in places) / MM3_PER_ML
    entered = {"spinal_cord": spec.spinal_cord, "optic_nerve": spec.optic_nerve}
    exam = ExamRegions(
        source=found.regions.source,
        places=tuple(places),
        burden=burden(places, volume_mm3),
        volumes=found.volumes(working.brain_mask, lesions_ml),
        dissemination=dissemination(places, entered),
    )
    # Each lesion is a row of lesions.csv.
    shared = make_region_facts(exam).model_dump(mode="json", exclude={"lesions"})
    return {
        "schema_version": 1,
        "research_use_only": True,
        "software_version": VERSION,
        "instances": spec.instances,
        "lesions": len(places),
        "lesion_count_interval": list(interval) if interval else None,
        "entered": {place: said.value for place, said in entered.items()},
        "region_map": found.origin.value,
        **shared,
    }
