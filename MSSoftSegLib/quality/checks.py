"""All checks of an exam before the model sees it, and of the answer after: a list of warnings, empty when all is well."""

from __future__ import annotations

import SimpleITK as sitk

from MSSoftSegLib.exam.modality import MODALITIES
from MSSoftSegLib.lesion.segmentation import Segmentation
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.quality.alignment import alignment_warnings
from MSSoftSegLib.quality.brain import brain_warnings
from MSSoftSegLib.quality.brain_view import BrainView
from MSSoftSegLib.quality.contrast import contrast_warnings
from MSSoftSegLib.quality.lesion_load import lesion_free_warnings, lesion_load_warnings
from MSSoftSegLib.quality.statistics import statistics_warnings
from MSSoftSegLib.quality.warning import Check, QualityWarning

# Of a slot that holds another contrast, or another slot's image, nothing else needs to be said.
SAID_FIRST = (Check.CONTRAST, Check.SAME_IMAGE)


def exam_warnings(working: WorkingExam) -> tuple[QualityWarning, ...]:
    """Before inference: missing images, contrasts, alignment, brain, statistics. About two seconds for a 1 mm exam."""
    view = BrainView.of(working)
    found = list(contrast_warnings(view))
    wrong = {warning.modality for warning in found if warning.check in SAID_FIRST}
    found += alignment_warnings(view)
    found += brain_warnings(working, view, doubted=wrong)
    spacing_mm = {modality: grid.spacing_mm for modality, grid in working.native_grids.items()}
    found += [each for each in statistics_warnings(view, spacing_mm) if each.modality not in wrong]
    return (*found, *find_missing_images(working))


def find_missing_images(working: WorkingExam) -> tuple[QualityWarning, ...]:
    """One for every contrast that an exam is expected to hold and this one does not."""
    return tuple(
        QualityWarning(
            Check.MISSING,
            f"No {modality.upper()} image was given: the model works without it, but less reliably.",
            modality,
        )
        for modality in MODALITIES
        if modality not in working.images
    )


def result_warnings(
    working: WorkingExam, probability: sitk.Image, segmentation: Segmentation, *, lesion_free_ml: float | None = None
) -> tuple[QualityWarning, ...]:
    """After inference; probability: the map on the working grid. lesion_free_ml: what the model finds in half of
    the brains without lesions, or more, where that is known."""
    view = BrainView.of(working)
    found = list(lesion_load_warnings(working, view, probability, segmentation))
    if lesion_free_ml is not None:
        found += lesion_free_warnings(segmentation, lesion_free_ml)
    return tuple(found)
