"""Run a job and answer with events: the command line in process, the worker for the Slicer module.

A job ends with exactly one of ``result``, ``failed``, ``cancelled``.
"""

from __future__ import annotations

import errno
import importlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from MSSoftSegLib.errors import DiskFull, JobCancelled, JobFailed, MSSoftSegError, OutOfMemory, RequestError
from MSSoftSegLib.jobs.documents.any_job import Job
from MSSoftSegLib.jobs.events import Emit, logs_as_events
from MSSoftSegLib.jobs.train.long_job import accompanied

LOGGER = logging.getLogger(__name__)
_JOB: TypeAdapter[Job] = TypeAdapter(Job)


@dataclass(frozen=True)
class Outcome:
    """How a job ended. path: the result folder, None unless exit_code is 0; error: what the user is told otherwise."""

    exit_code: int
    path: Path | None
    error: MSSoftSegError | None


def parse_job(document: Any) -> Job:
    """The job that a document describes; RequestError names the first field that does not hold."""
    try:
        return _JOB.validate_python(document)
    except ValidationError as problem:
        first = problem.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:] if part != "spec")
        reason = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        raise RequestError(
            f"{field}: {reason}" if field and first["type"] != "value_error" else reason,
            remedy="see mssoftseg --help for what is accepted",
        ) from None


def run(job: Job, emit: Emit, *, cancelled: Callable[[], bool] = lambda: False, debug: bool = False) -> Outcome:
    """Run the job in this process; errors become events, with debug they also show their traceback on stderr."""
    try:
        with logs_as_events(job.job, emit):
            path = _execute(job, emit, cancelled)
    except (JobCancelled, KeyboardInterrupt):
        emit({"event": "cancelled", "job": job.job})
        return Outcome(JobCancelled.exit_code, None, JobCancelled())
    except Exception as problem:
        if debug:
            logging.getLogger("mssoftseg.debug").exception("traceback of the failure")
        error = as_user_error(problem)
        emit(failed_event(job.job, error))
        return Outcome(error.exit_code, None, error)
    return Outcome(0, path, None)


# Imported when used: segmenting needs torch, and a worker must be able to answer before it is loaded.
_RUNNERS = {
    "compare": ("MSSoftSegLib.jobs.evaluate.compare", "run_compare"),
    "compare-models": ("MSSoftSegLib.jobs.evaluate.model_comparison", "run_compare_models"),
    "detach": ("MSSoftSegLib.jobs.detached.detach", "run_detach"),
    "evaluate": ("MSSoftSegLib.jobs.evaluate.evaluate", "run_evaluate"),
    "library-export": ("MSSoftSegLib.jobs.library.export", "run_library_export"),
    "library-agreement": ("MSSoftSegLib.jobs.library.agreement", "run_library_agreement"),
    "library-open": ("MSSoftSegLib.jobs.library.open", "run_library_open"),
    "library-save": ("MSSoftSegLib.jobs.library.save", "run_library_save"),
    "library-settings": ("MSSoftSegLib.jobs.library.settings", "run_library_settings"),
    "library-worklist": ("MSSoftSegLib.jobs.library.worklist", "run_library_worklist"),
    "preprocess": ("MSSoftSegLib.jobs.segment.preprocess", "run_preprocess"),
    "promote-model": ("MSSoftSegLib.jobs.evaluate.model_promotion", "run_promote_model"),
    "pseudolabel": ("MSSoftSegLib.jobs.train.pseudolabel", "run_pseudolabel"),
    "segment": ("MSSoftSegLib.jobs.segment.segment", "run_segment"),
    "softmask": ("MSSoftSegLib.jobs.softmask.softmask", "run_softmask"),
    "train": ("MSSoftSegLib.jobs.train.train", "run_train"),
    "train-preflight": ("MSSoftSegLib.jobs.preflight.preflight", "run_preflight"),
    "study": ("MSSoftSegLib.jobs.train.study", "run_study"),
}


def _execute(job: Job, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    module, function = _RUNNERS[job.kind]
    with accompanied(job, emit) as heard:
        path: Path = getattr(importlib.import_module(module), function)(job, heard, cancelled)
    return path


def failed_event(job: str | None, error: MSSoftSegError) -> dict[str, Any]:
    """The ``failed`` event of an error."""
    return {"event": "failed", "job": job, "code": error.code, "message": error.message, "remedy": error.remedy}


def as_user_error(problem: Exception) -> MSSoftSegError:
    """Any failure in words for the user; nothing of an unexpected exception's text, which may hold paths, is shown."""
    if isinstance(problem, MSSoftSegError):
        return problem
    if isinstance(problem, MemoryError):
        return OutOfMemory("the machine ran out of memory", remedy="close other programs and run again")
    if isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull("the disk is full", remedy="free some space, or choose another --out, and run again")
    if isinstance(problem, OSError) and problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        name = Path(str(problem.filename2 or problem.filename or "a file")).name
        return RequestError(f"{name} may not be read or written", remedy="ask for permission, or choose another --out")
    return JobFailed(
        f"an unexpected {type(problem).__name__} stopped the job",
        remedy="run again with --debug and report the traceback",
    )
