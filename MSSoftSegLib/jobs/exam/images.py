"""The ``exam-images`` job: the images of an exam that were chosen, as files that any program reads, without any identity."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from MSSoftSegLib.exam.image_file import write_images
from MSSoftSegLib.jobs.documents.exam_images import ExamImagesJob
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.jobs.segment.inputs import load
from MSSoftSegLib.result_folder import check_target, write_completely

SHARES = {"reading": 3.0, "writing": 2.0}


def run_exam_images(job: ExamImagesJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the folder with the images."""
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    check_target(spec.out, overwrite=spec.overwrite, inputs=spec.exam.paths)
    reporter.progress("reading", 0.0)
    loaded = load(spec.exam)
    names = {modality: f"{modality.upper()}.nii.gz" for modality in loaded.exam.modalities}
    reporter.progress("writing", 0.0)
    with write_completely(spec.out, overwrite=spec.overwrite) as folder:
        write_images({folder / name: loaded.exam.image(modality) for modality, name in names.items()})
    reporter.progress("writing", 1.0)
    summary = {
        "images": {str(modality): name for modality, name in names.items()},
        "warnings": list(loaded.warnings),
    }
    reporter.result(spec.out.name, summary)
    return spec.out
