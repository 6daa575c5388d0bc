"""What goes with every long job, in a shell or in a process of its own: one writer an output, and rates for the next estimate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from MSSoftSegLib.jobs.detached.one_writer import only_writer
from MSSoftSegLib.jobs.documents.any_job import Job
from MSSoftSegLib.jobs.documents.study import StudyJob
from MSSoftSegLib.jobs.documents.train import TrainJob
from MSSoftSegLib.jobs.events import Emit


@contextmanager
def accompanied(job: Job, emit: Emit) -> Iterator[Emit]:
    """The function that a job emits with; short jobs are left alone."""
    if isinstance(job, TrainJob):
        # Imported here: it needs torch, which a worker loads for no other job's sake.
        from MSSoftSegLib.jobs.preflight.rate_watch import measured

        with only_writer(job.spec.out), measured(job.spec, emit) as watched:
            yield watched
    elif isinstance(job, StudyJob):
        with only_writer(job.spec.out):
            yield emit
    else:
        yield emit
