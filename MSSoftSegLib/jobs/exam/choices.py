"""The ``exam-choices`` job: what a folder holds, what would be taken of it, and why. No voxel is read, nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from MSSoftSegLib.jobs.documents.exam_choices import ExamChoicesJob
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.jobs.exam.dicom_offer import offer_dicom
from MSSoftSegLib.jobs.exam.folder_offer import offer_folder

SHARES = {"reading": 1.0}


def run_exam_choices(job: ExamChoicesJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the folder that was looked into."""
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    reporter.progress("reading", 0.0)
    folder, look = (job.spec.dicom, offer_dicom) if job.spec.dicom is not None else (job.spec.folder, offer_folder)
    assert folder is not None  # the document has one of the two
    visits = look(folder)
    reporter.progress("reading", 1.0)
    # The folder may be called as its patient is.
    reporter.result("", {"visits": [asdict(visit) for visit in visits]})
    return folder
