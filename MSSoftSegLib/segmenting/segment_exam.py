"""Preprocess, predict, cut, check: what ``mss.segment`` and the ``segment`` job both do."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial

import SimpleITK as sitk

from MSSoftSegLib.errors import BadExam
from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.inference.predict import Prediction, predict
from MSSoftSegLib.kept_memory import keep_memory_meanwhile
from MSSoftSegLib.lesion.segmentation import Segmentation, segment_lesions
from MSSoftSegLib.network.bundle import Bundle
from MSSoftSegLib.network.needed_images import check_has_inputs
from MSSoftSegLib.network.operating_point import FittingPoint
from MSSoftSegLib.preprocessing.as_given import take_exam_as_given
from MSSoftSegLib.preprocessing.brain_extraction.backend import choose_backend
from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.preprocessing.pipeline import Progress, preprocess
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.quality.checks import exam_warnings, result_warnings
from MSSoftSegLib.quality.warning import QualityWarning
from MSSoftSegLib.region.exam_anatomy import ExamAnatomy, find_anatomy
from MSSoftSegLib.segmenting.choices import SegmentChoices
from MSSoftSegLib.segmenting.meanwhile import Meanwhile, compute_meanwhile
from MSSoftSegLib.segmenting.placing import add_places
from MSSoftSegLib.segmenting.ready_model import ReadyModel
from MSSoftSegLib.segmenting.segmented_exam import SegmentedExam

LOGGER = logging.getLogger(__name__)
NO_FILE_BACKENDS = ("hd-bet", "atlas", "none")
# A probability map, the threshold and the smallest lesion in mm³.
FirstAnswer = Callable[[sitk.Image, float, float], None]


@keep_memory_meanwhile()
def segment_exam(
    exam: Exam,
    model: ReadyModel,
    choices: SegmentChoices,
    *,
    progress: Progress = lambda stage, fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
    first: FirstAnswer = lambda probability, threshold, min_lesion_mm3: None,
) -> SegmentedExam:
    """The lesions of one exam; deterministic on one machine. What can be refused is refused before anything slow begins.

    progress is told a stage (those of ``preprocess``, then inference, lesions and regions) and how much of it is done; what it
    raises passes through. cancelled is asked while another program runs. first is shown the probability map (native grid) of the
    first of several looks, with the threshold and the smallest size by which its lesions would be cut. BadExam where an image
    that is needed is missing.
    """
    _check_has_reference(exam, choices)
    check_has_inputs(exam.images, model.bundle.description)
    cache = StepCache() if choices.use_cache else None
    working = _working(exam, model.bundle, choices, cache, progress, cancelled)
    warnings = _logged(exam_warnings(working))
    with compute_meanwhile(partial(find_anatomy, working.copy_images(), cache)) as anatomy:
        prediction = _predicted(working, model, choices, anatomy, progress, first)
        progress("lesions", 0.0)
        segmentation, reason, warned = _cut(prediction, working, choices)
        progress("regions", 0.0)
        segmentation, regions, problem = add_places(
            segmentation, prediction.working.probability, working, anatomy.result, choices.reference
        )
    return SegmentedExam(
        exam=exam,
        working=working,
        working_maps=prediction.working,
        segmentation=segmentation,
        model=model.bundle,
        reference=choices.reference,
        device=str(model.device),
        tta=choices.tta or model.bundle.description.tta,
        brain=_brain_in_words(choices),
        warnings=warnings + warned,
        operating_point=reason,
        regions=regions,
        regions_problem=problem,
    )


def _predicted(
    working: WorkingExam,
    model: ReadyModel,
    choices: SegmentChoices,
    anatomy: Meanwhile[ExamAnatomy],
    progress: Progress,
    first: FirstAnswer,
) -> Prediction:
    """The model's maps. The exam's anatomy is looked for meanwhile, but not before the first answer, which has all processors."""

    def show(probability: sitk.Image, fitting: FittingPoint) -> None:
        anatomy.start()
        first(probability, choices.threshold or fitting.point.threshold, fitting.point.min_lesion_mm3)

    description = model.bundle.description
    return predict(
        working,
        description,
        model.networks,
        reference=choices.reference,
        tta=choices.tta or description.tta,
        device=model.device,
        progress=lambda fraction: progress("inference", fraction),
        first=show,
    )


def _cut(
    prediction: Prediction, working: WorkingExam, choices: SegmentChoices
) -> tuple[Segmentation, str, tuple[str, ...]]:
    """The lesions, why by this operating point, and what a reader should know of them."""
    point, reason = prediction.fitting.point, prediction.fitting.reason
    if choices.threshold is not None:
        reason = "the threshold was asked for"
    LOGGER.info("operating point: %s", reason)
    segmentation = segment_lesions(
        prediction.native, threshold=choices.threshold or point.threshold, min_lesion_mm3=point.min_lesion_mm3
    )
    lesion_free_ml = prediction.fitting.lesion_free_ml if choices.threshold is None else None
    warned = result_warnings(working, prediction.working.probability, segmentation, lesion_free_ml=lesion_free_ml)
    return segmentation, reason, _logged(warned)


def _check_has_reference(exam: Exam, choices: SegmentChoices) -> None:
    if choices.reference not in exam.images:
        raise BadExam(
            f"the exam has no {choices.reference.value.upper()} image to lay the result on",
            remedy="choose another --reference",
        )


def _working(
    exam: Exam,
    bundle: Bundle,
    choices: SegmentChoices,
    cache: StepCache | None,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> WorkingExam:
    """The exam on the model's grid; masks and 'none' speak of the reference image."""
    spacing_mm = bundle.description.spacing_mm
    if choices.preprocessed:
        progress("working-grid", 0.0)
        return take_exam_as_given(exam, working_spacing_mm=spacing_mm)
    changes = {"reference": choices.reference, "working_spacing_mm": spacing_mm}
    settings = choices.preprocessing.model_copy(update=changes)
    return preprocess(exam, settings, cache=cache, progress=progress, cancelled=cancelled)


def _logged(warnings: Iterable[QualityWarning]) -> tuple[str, ...]:
    """The warnings' words, each logged as soon as it is known: whoever waits may rather stop."""
    words = tuple(warning.text for warning in warnings)
    for text in words:
        LOGGER.warning("%s", text)
    return words


def _brain_in_words(choices: SegmentChoices) -> str:
    """How the brain was found, without a path."""
    if choices.preprocessed:
        return "none"
    brain = choices.preprocessing.brain
    if brain == "auto":
        return choose_backend("auto")
    return brain if brain in NO_FILE_BACKENDS else "mask file"
