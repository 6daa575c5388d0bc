"""The ``train-preflight`` job: what a training would do and what would be wrong with it, in seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from MSSoftSegLib.jobs.documents.preflight import TrainPreflightJob
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.jobs.preflight.report import preflight

SHARES = {"cases": 5.0, "rate": 5.0}


def run_preflight(job: TrainPreflightJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the output that the training would make, which is not touched.

    summary: patients, visits, cases, folds (null = one hold-out split), models (networks to train), training and
    validation (cases of one model, of training_patients and validation_patients), estimated_s (null = not known),
    estimate (what it rests on), disk_needed_mb, disk_free_mb, memory_needed_mb, findings [{severity: error, warning or note,
    message, remedy}].
    """
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    summary = preflight(job.spec, progress=reporter.progress)
    reporter.result(job.spec.out.name, summary)
    return job.spec.out
