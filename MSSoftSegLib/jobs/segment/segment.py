"""The ``segment`` job, the main one: raw exam in, soft lesion mask, uncertainty, lesions and report out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from MSSoftSegLib.inference.predict import INFERENCE_SECONDS
from MSSoftSegLib.jobs.documents.segment import SegmentJob, SegmentSpec
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.jobs.segment.inputs import load_exam
from MSSoftSegLib.jobs.segment.result_facts import facts_of
from MSSoftSegLib.jobs.segment.result_writing import write_result
from MSSoftSegLib.preprocessing.pipeline import STAGE_SECONDS
from MSSoftSegLib.result_folder import check_target, complete_or_absent
from MSSoftSegLib.segmenting.choices import SegmentChoices
from MSSoftSegLib.segmenting.ready_model import open_model
from MSSoftSegLib.segmenting.segment_exam import segment_exam
from MSSoftSegLib.segmenting.segmented_exam import SegmentedExam

# Shares of the whole, in seconds as measured on two cores.
SHARES = {
    "model": 1.0,
    "reading": 1.0,
    **STAGE_SECONDS,
    "inference": INFERENCE_SECONDS,
    "lesions": 4.0,
    "report": 6.0,
}


def run_segment(job: SegmentJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job: what ``segment_exam`` does, and files. The result folder.

    What can be refused is refused before anything slow begins.
    """
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    check_target(spec.out, overwrite=spec.overwrite, inputs=[*spec.exam.paths, Path(spec.preprocessing.brain)])
    reporter.progress("model", 0.0)
    model = open_model(spec.model, device=spec.device)
    reporter.progress("reading", 0.0)
    exam = load_exam(spec.exam)
    answer = segment_exam(exam, model, _choices(spec), progress=reporter.progress, cancelled=reporter.cancelled)
    on_working_grid = answer.on_working_grid() if spec.keep_working else None
    reporter.progress("report", 0.0)
    with complete_or_absent(spec.out, overwrite=spec.overwrite) as folder:
        write_result(folder, answer, facts_of(answer, reporter.stage_times()), on_working_grid=on_working_grid)
        # Before the rename: a cancellation now still leaves nothing, one that comes later is too late.
        reporter.progress("report", 1.0)
    reporter.result(spec.out.name, _summary(answer))
    return spec.out


def _choices(spec: SegmentSpec) -> SegmentChoices:
    return SegmentChoices(
        preprocessing=spec.preprocessing,
        preprocessed=spec.preprocessed,
        reference=spec.reference,
        tta=spec.tta,
        threshold=spec.threshold,
        use_cache=spec.use_cache,
    )


def _summary(answer: SegmentedExam) -> dict[str, Any]:
    return {
        "lesions": len(answer.lesions),
        "volume_ml": round(answer.volume_ml, 3),
        "soft_volume_ml": round(answer.soft_volume_ml, 3),
        "psu": round(answer.segmentation.psu, 4),
        "warnings": list(answer.warnings),
    }
