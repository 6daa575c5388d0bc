"""The ``segment`` job, the main one: raw exam in, soft lesion mask, uncertainty, lesions and report out."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from MSSoftSegLib.errors import BadExam
from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.geometry import orientation_letters
from MSSoftSegLib.inference.device import choose_device
from MSSoftSegLib.inference.predict import predict
from MSSoftSegLib.jobs.documents.segment import SegmentJob, SegmentSpec
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.jobs.peak_memory import peak_memory_mib
from MSSoftSegLib.jobs.segment.inputs import load_exam
from MSSoftSegLib.jobs.segment.result_writing import write_result
from MSSoftSegLib.lesion.instances import DEFAULT_CONNECTIVITY
from MSSoftSegLib.lesion.segmentation import Segmentation, segment_lesions
from MSSoftSegLib.network.bundle import Bundle
from MSSoftSegLib.network.catalog import find_bundle
from MSSoftSegLib.network.needed_images import check_has_inputs
from MSSoftSegLib.network.weights import load_networks
from MSSoftSegLib.preprocessing.as_given import working_exam_as_given
from MSSoftSegLib.preprocessing.brain_extraction.backend import chosen_backend
from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.preprocessing.pipeline import preprocess
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.quality.checks import exam_warnings, result_warnings
from MSSoftSegLib.quality.warning import QualityWarning
from MSSoftSegLib.report.result import (
    InputFacts,
    LesionFacts,
    ModelFacts,
    Result,
    SoftwareFacts,
    StageFacts,
    UncertaintyFacts,
)
from MSSoftSegLib.result_folder import check_target, complete_or_absent
from MSSoftSegLib.version import VERSION

LOGGER = logging.getLogger(__name__)

# Shares of the whole, in seconds as measured on two cores.
SHARES = {
    "model": 1.0,
    "reading": 1.0,
    "alignment": 10.0,
    "bias-correction": 12.0,
    "brain-extraction": 20.0,
    "working-grid": 1.0,
    "inference": 9.0,
    "lesions": 4.0,
    "report": 6.0,
}


def run_segment(job: SegmentJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the result folder. What can be refused is refused before anything slow begins."""
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    check_target(spec.out, overwrite=spec.overwrite, inputs=[*spec.exam.paths, Path(spec.preprocessing.brain)])
    reporter.progress("model", 0.0)
    device = choose_device(spec.device)
    bundle = find_bundle(spec.model)
    networks = load_networks(bundle)
    reporter.progress("reading", 0.0)
    exam = load_exam(spec.exam)
    _check_fits(exam, spec, bundle)

    working = _working(exam, spec, bundle, reporter)
    warnings = _told(exam_warnings(working))
    tta = spec.tta or bundle.description.tta
    prediction = predict(
        working,
        bundle.description,
        networks,
        reference=spec.reference,
        tta=tta,
        device=device,
        progress=lambda fraction: reporter.progress("inference", fraction),
    )
    reporter.progress("lesions", 0.0)
    point = prediction.fitting.point
    LOGGER.info("operating point: %s", prediction.fitting.reason)
    segmentation = segment_lesions(
        prediction.native, threshold=spec.threshold or point.threshold, min_lesion_mm3=point.min_lesion_mm3
    )
    warnings += _told(result_warnings(working, prediction.working.probability, segmentation))
    reporter.progress("report", 0.0)
    with complete_or_absent(spec.out, overwrite=spec.overwrite) as folder:
        result = _facts(exam, working, bundle, spec, segmentation, str(device), tta, warnings, reporter)
        write_result(
            folder,
            result=result,
            segmentation=segmentation,
            reference=exam.image(spec.reference),
            card=bundle.card,
            working=working if spec.keep_working else None,
            working_maps=prediction.working,
        )
        # Before the rename: a cancellation now still leaves nothing, one that comes later is too late.
        reporter.progress("report", 1.0)
    reporter.result(spec.out.name, _summary(segmentation, warnings))
    return spec.out


def _told(warnings: Iterable[QualityWarning]) -> tuple[str, ...]:
    """The warnings' words, each an event as soon as it is known: whoever waits may rather stop."""
    words = tuple(warning.text for warning in warnings)
    for text in words:
        LOGGER.warning("%s", text)
    return words


def _check_fits(exam: Exam, spec: SegmentSpec, bundle: Bundle) -> None:
    """Whether the exam holds what the request and the model need."""
    if spec.reference not in exam.images:
        raise BadExam(
            f"the exam has no {spec.reference.value.upper()} image to lay the result on",
            remedy="choose another --reference",
        )
    check_has_inputs(exam, bundle.description)


def _working(exam: Exam, spec: SegmentSpec, bundle: Bundle, reporter: Reporter) -> WorkingExam:
    """The exam on the model's grid."""
    if spec.preprocessed:
        reporter.progress("working-grid", 0.0)
        return working_exam_as_given(exam, working_spacing_mm=bundle.description.spacing_mm)
    cache = StepCache() if spec.use_cache else None
    settings = _preprocessing(spec, bundle)
    return preprocess(exam, settings, cache=cache, progress=reporter.progress, cancelled=reporter.cancelled)


def _preprocessing(spec: SegmentSpec, bundle: Bundle) -> PreprocessingSettings:
    """The job's preprocessing on the model's grid; masks and 'none' speak of the reference image."""
    changes = {"reference": spec.reference, "working_spacing_mm": bundle.description.spacing_mm}
    return spec.preprocessing.model_copy(update=changes)


def _facts(
    exam: Exam,
    working: WorkingExam,
    bundle: Bundle,
    spec: SegmentSpec,
    segmentation: Segmentation,
    device: str,
    tta: str,
    warnings: tuple[str, ...],
    reporter: Reporter,
) -> Result:
    """``result.json`` of this run; stage times are those up to the writing of the report."""
    description = bundle.description
    brain = "none" if spec.preprocessed else spec.preprocessing.brain
    if brain == "auto":
        brain = chosen_backend("auto")
    known = brain in ("hd-bet", "atlas", "none")
    return Result(
        software=SoftwareFacts(version=VERSION, python=platform.python_version(), torch=torch.__version__),
        inputs=_inputs(exam),
        reference_modality=spec.reference.value,
        alignment_target=working.target.value,
        brain_extraction=brain if known else "mask file",
        model=ModelFacts(
            name=description.name, version=description.version, sha256=bundle.sha256, recipe=bundle.recipe_name
        ),
        device=device,
        tta=tta,
        threshold=segmentation.threshold,
        min_lesion_mm3=segmentation.min_lesion_mm3,
        connectivity=DEFAULT_CONNECTIVITY,
        lesions=LesionFacts(
            count=len(segmentation.lesions),
            volume_ml=segmentation.volume_ml,
            soft_volume_ml=segmentation.soft_volume_ml,
            volume_interval_ml=segmentation.volume_interval_ml,
        ),
        uncertainty=UncertaintyFacts(
            mean_entropy_in_lesions=segmentation.mean_entropy_in_lesions_nats, psu=segmentation.psu
        ),
        stages=tuple(StageFacts(name=s.name, seconds=round(s.seconds, 3)) for s in reporter.stage_times()),
        peak_memory_mb=round(peak_memory_mib(), 1),
        warnings=warnings,
    )


def _inputs(exam: Exam) -> tuple[InputFacts, ...]:
    facts = []
    for modality in exam.modalities:
        entry = exam.images[modality]
        facts.append(
            InputFacts(
                modality=modality.value,
                path_name=entry.file_name,
                sha256=entry.sha256,
                shape=entry.image.GetSize(),
                spacing_mm=entry.image.GetSpacing(),
                orientation=orientation_letters(entry.image),
            )
        )
    return tuple(facts)


def _summary(segmentation: Segmentation, warnings: tuple[str, ...]) -> dict[str, Any]:
    return {
        "lesions": len(segmentation.lesions),
        "volume_ml": round(segmentation.volume_ml, 3),
        "soft_volume_ml": round(segmentation.soft_volume_ml, 3),
        "psu": round(segmentation.psu, 4),
        "warnings": list(warnings),
    }
