"""Where the lesions of a segmentation lie. A brain whose regions are not found is segmented all the same."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import SimpleITK as sitk

from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.lesion.measurement import Lesion
from MSSoftSegLib.lesion.segmentation import Segmentation
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.region.exam_anatomy import ExamAnatomy
from MSSoftSegLib.region.exam_regions import ExamRegions, exam_regions
from MSSoftSegLib.region.longest_axis import longest_axes_mm
from MSSoftSegLib.region.places import LesionPlace

LOGGER = logging.getLogger(__name__)


def add_places(
    segmentation: Segmentation,
    working_probability: sitk.Image,
    working: WorkingExam,
    anatomy: Callable[[], ExamAnatomy],
    reference: Modality,
) -> tuple[Segmentation, ExamRegions | None, str | None]:
    """The segmentation with the place of every lesion, the exam's regions, and None; or without them, and why.

    anatomy: hands over the exam's, or raises why there is none. Whatever goes wrong here is said and never ends a segmentation:
    the lesions are there, only their place is not known.
    """
    axes_mm = longest_axes_mm(voxels(segmentation.instances), Grid.of(segmentation.instances))
    volumes_mm3 = {lesion.id: lesion.volume_mm3 for lesion in segmentation.lesions}
    lesions = working_probability >= segmentation.threshold
    try:
        found = exam_regions(segmentation.instances, lesions, working, anatomy(), reference, volumes_mm3)
    except Exception as problem:
        # ExamAnatomy that nothing foresees (surgery, a piece of a brain) can stop registration in ways that have no name.
        words = problem.message if isinstance(problem, MSSoftSegError) else f"it stopped with {type(problem).__name__}"
        LOGGER.warning("where the lesions lie was not found: %s", words)
        LOGGER.debug("regions", exc_info=True)
        measured = tuple(replace(each, longest_axis_mm=axes_mm[each.id]) for each in segmentation.lesions)
        return replace(segmentation, lesions=measured), None, words
    place_of = {place.id: place for place in found.places}
    lesions_placed = tuple(place_lesion(lesion, place_of[lesion.id]) for lesion in segmentation.lesions)
    return replace(segmentation, lesions=lesions_placed), found, None


def place_lesion(lesion: Lesion, place: LesionPlace) -> Lesion:
    """One lesion with its place; the region named is the first of its places."""
    return replace(
        lesion,
        region=place.place.value,
        region_probability=place.membership[place.place],
        longest_axis_mm=place.longest_axis_mm,
        ventricle_distance_mm=place.distance_to_ventricle_mm,
        cortex_distance_mm=place.distance_to_cortex_mm,
    )
