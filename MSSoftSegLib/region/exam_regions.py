"""All that regions say about the lesions of one exam: what ``segment`` keeps of them and its report shows."""

from __future__ import annotations

from dataclasses import dataclass, field

import SimpleITK as sitk

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.region.burden import BrainVolumes, Burden, brain_volumes, burden
from MSSoftSegLib.region.dissemination import Dissemination, dissemination
from MSSoftSegLib.region.exam_anatomy import ExamAnatomy
from MSSoftSegLib.region.mapping import regions_in
from MSSoftSegLib.region.places import LesionPlace, place_lesions
from MSSoftSegLib.region.region_map import RegionMap

# On two cores, for whoever tells how much of a job is done.
REGION_SECONDS = 5.0


@dataclass(frozen=True)
class ExamRegions:
    """source: who drew the regions. places: one a lesion, by rising number. dissemination: places not entered count as free.

    region_map: the regions themselves on the working grid, for whoever places more there; None where they were not kept.
    """

    source: str
    places: tuple[LesionPlace, ...]
    burden: Burden
    volumes: BrainVolumes
    dissemination: tuple[Dissemination, ...]
    region_map: RegionMap | None = field(default=None, repr=False, compare=False)


def exam_regions(
    instances: sitk.Image,
    lesions: sitk.Image,
    working: WorkingExam,
    anatomy: ExamAnatomy,
    reference: Modality,
    volumes_mm3: dict[int, float],
) -> ExamRegions:
    """Regions of an exam and the place of each of its lesions.

    instances: on the native grid of the reference; lesions: mask on the working grid, where gray values are not trusted;
    anatomy: the exam's; volumes_mm3: of each lesion by its number.
    """
    regions = regions_in(anatomy, working, lesions)
    places = place_lesions(instances, regions, working.working_from_native(reference))
    return ExamRegions(
        source=regions.source,
        places=places,
        burden=burden(places, volumes_mm3),
        volumes=brain_volumes(regions, working.brain_mask, sum(volumes_mm3.values()) / MM3_PER_ML),
        dissemination=dissemination(places, {}),
        region_map=regions,
    )
