"""What ``result.json`` says of a run: what it was made of, how, and what came out."""

from __future__ import annotations

import platform
from collections.abc import Sequence

import torch

from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.geometry import orientation_letters
from MSSoftSegLib.jobs.events import StageTime
from MSSoftSegLib.jobs.peak_memory import peak_memory_mib
from MSSoftSegLib.lesion.instances import DEFAULT_CONNECTIVITY
from MSSoftSegLib.lesion.segmentation import Segmentation
from MSSoftSegLib.network.bundle import Bundle
from MSSoftSegLib.report.result import (
    InputFacts,
    LesionFacts,
    ModelFacts,
    Result,
    SoftwareFacts,
    StageFacts,
    UncertaintyFacts,
)
from MSSoftSegLib.segmenting.segmented_exam import SegmentedExam
from MSSoftSegLib.version import VERSION


def facts_of(answer: SegmentedExam, stage_times: Sequence[StageTime]) -> Result:
    """``result.json`` of this run. stage_times: those up to the writing of the report."""
    segmentation = answer.segmentation
    return Result(
        software=SoftwareFacts(version=VERSION, python=platform.python_version(), torch=torch.__version__),
        inputs=_inputs(answer.exam),
        reference_modality=answer.reference.value,
        alignment_target=answer.working.target.value,
        brain_extraction=answer.brain,
        model=_model(answer.model),
        device=answer.device,
        tta=answer.tta,
        threshold=segmentation.threshold,
        min_lesion_mm3=segmentation.min_lesion_mm3,
        connectivity=DEFAULT_CONNECTIVITY,
        lesions=_lesions(segmentation),
        uncertainty=UncertaintyFacts(
            mean_entropy_in_lesions=segmentation.mean_entropy_in_lesions_nats, psu=segmentation.psu
        ),
        stages=tuple(StageFacts(name=stage.name, seconds=round(stage.seconds, 3)) for stage in stage_times),
        peak_memory_mb=round(peak_memory_mib(), 1),
        warnings=answer.warnings,
    )


def _model(bundle: Bundle) -> ModelFacts:
    description = bundle.description
    return ModelFacts(
        name=description.name, version=description.version, sha256=bundle.sha256, recipe=bundle.recipe_name
    )


def _lesions(segmentation: Segmentation) -> LesionFacts:
    return LesionFacts(
        count=len(segmentation.lesions),
        volume_ml=segmentation.volume_ml,
        soft_volume_ml=segmentation.soft_volume_ml,
        volume_interval_ml=segmentation.volume_interval_ml,
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
