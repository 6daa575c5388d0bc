"""The ``segment`` job, the main one: raw exam in, soft lesion mask, uncertainty, lesions and report out.

What is computed is ``segmenting``'s, the same as ``mss.segment``; the job adds the exam's files, the events and the folder.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.geometry import orientation_letters
from MSSoftSegLib.inference.predict import INFERENCE_SECONDS
from MSSoftSegLib.jobs.documents.segment import SegmentJob
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.jobs.peak_memory import peak_memory_mib
from MSSoftSegLib.jobs.segment.dicom_writing import write_dicom
from MSSoftSegLib.jobs.segment.inputs import load
from MSSoftSegLib.jobs.segment.preview import open_preview
from MSSoftSegLib.jobs.segment.result_writing import write_result
from MSSoftSegLib.lesion.instances import DEFAULT_CONNECTIVITY
from MSSoftSegLib.preprocessing.pipeline import STAGE_SECONDS
from MSSoftSegLib.report.region_facts import make_region_facts
from MSSoftSegLib.report.result import (
    InputFacts,
    LesionFacts,
    ModelFacts,
    Result,
    SoftwareFacts,
    StageFacts,
    UncertaintyFacts,
)
from MSSoftSegLib.result_folder import check_target, write_completely
from MSSoftSegLib.segmenting.ready_model import ReadyModel, open_model
from MSSoftSegLib.segmenting.segment_exam import segment_exam
from MSSoftSegLib.segmenting.segmented_exam import SegmentedExam
from MSSoftSegLib.version import VERSION

# Shares of the whole, in seconds as measured on two cores.
SHARES = {
    "model": 1.0,
    "reading": 1.0,
    **STAGE_SECONDS,
    "inference": INFERENCE_SECONDS,
    "lesions": 4.0,
    # What is left of them: the exam's anatomy is found during inference.
    "regions": 1.5,
    "report": 6.0,
}


def run_segment(
    job: SegmentJob,
    emit: Emit,
    cancelled: Callable[[], bool],
    *,
    opened: Callable[..., ReadyModel] = open_model,
) -> Path:
    """Run the job; the result folder. What can be refused is refused before anything slow begins.

    opened: what opens the model; whoever segments many exams hands over one that stays open.
    """
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    check_target(spec.out, overwrite=spec.overwrite, inputs=[*spec.exam.paths, Path(spec.preprocessing.brain)])
    reporter.progress("model", 0.0)
    model = opened(spec.model, device=spec.device)
    reporter.progress("reading", 0.0)
    loaded = load(spec.exam)
    source = loaded.dicom.source(spec.reference) if spec.dicom_seg and loaded.dicom is not None else None
    with open_preview(reporter, wanted=spec.preview) as show:
        found = segment_exam(
            loaded.exam, model, spec, progress=reporter.progress, cancelled=reporter.cancelled, first=show
        )
        on_working_grid = found.on_working_grid() if spec.keep_working else None
        reporter.progress("report", 0.0)
        with write_completely(spec.out, overwrite=spec.overwrite) as folder:
            write_result(folder, found, _facts(found, reporter, loaded.warnings), on_working_grid)
            if source is not None:
                write_dicom(folder, found, source)
            # Before the rename: a cancellation now still leaves nothing, one that comes later is too late.
            reporter.progress("report", 1.0)
        reporter.result(spec.out.name, _summary(found))
    return spec.out


def _facts(found: SegmentedExam, reporter: Reporter, of_choice: tuple[str, ...]) -> Result:
    """``result.json`` of this run; stage times are those up to the writing of the report. of_choice: warnings of the inputs."""
    segmentation, model = found.segmentation, found.model
    return Result(
        software=SoftwareFacts(version=VERSION, python=platform.python_version(), torch=torch.__version__),
        inputs=_inputs(found.exam),
        reference_modality=found.reference.value,
        alignment_target=found.working.target.value,
        brain_extraction=found.brain,
        model=ModelFacts(
            name=model.description.name,
            version=model.description.version,
            sha256=model.sha256,
            recipe=model.recipe_name,
        ),
        device=found.device,
        tta=found.tta,
        threshold=found.threshold,
        min_lesion_mm3=segmentation.min_lesion_mm3,
        connectivity=DEFAULT_CONNECTIVITY,
        operating_point=found.operating_point,
        lesions=LesionFacts(
            count=len(found.lesions),
            volume_ml=found.volume_ml,
            soft_volume_ml=found.soft_volume_ml,
            volume_interval_ml=found.volume_interval_ml,
        ),
        uncertainty=UncertaintyFacts(
            mean_entropy_in_lesions=segmentation.mean_entropy_in_lesions_nats, psu=segmentation.psu
        ),
        stages=tuple(StageFacts(name=s.name, seconds=round(s.seconds, 3)) for s in reporter.stage_times()),
        peak_memory_mb=round(peak_memory_mib(), 1),
        warnings=(*of_choice, *found.warnings),
        regions=None if found.regions is None else make_region_facts(found.regions),
        regions_problem=found.regions_problem,
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


def _summary(found: SegmentedExam) -> dict[str, Any]:
    return {
        "lesions": len(found.lesions),
        "volume_ml": round(found.volume_ml, 3),
        "soft_volume_ml": round(found.soft_volume_ml, 3),
        "psu": round(found.segmentation.psu, 4),
        "warnings": list(found.warnings),
    }
