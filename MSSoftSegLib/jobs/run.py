"""Run a job and answer with events: the command line in process, the worker for the Slicer module.

A job ends with exactly one of ``result``, ``failed``, ``cancelled``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from MSSoftSegLib.errors import JobCancelled, MSSoftSegError, RequestError, make_user_error
from MSSoftSegLib.jobs.events import Emit, send_logs_as_events
from MSSoftSegLib.jobs.kinds import AnyJob, find_job_kinds

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobOutcome:
    """How a job ended. path: the result folder, None unless exit_code is 0; error: what the user is told otherwise."""

    exit_code: int
    path: Path | None
    error: MSSoftSegError | None


@cache
def _any_job() -> TypeAdapter[AnyJob]:
    """What a document is checked against: the kind that it names decides."""
    documents = reduce(or_, (kind.document for kind in find_job_kinds().values()))
    one_of_them: Any = Annotated[documents, Field(discriminator="kind")]
    adapter: TypeAdapter[AnyJob] = TypeAdapter(one_of_them)
    return adapter


def parse_job(document: Any) -> AnyJob:
    """The job that a document describes; RequestError names the first field that does not hold."""
    try:
        return _any_job().validate_python(document)
    except ValidationError as problem:
        first = problem.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:] if part != "spec")
        reason = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        raise RequestError(
            f"{field}: {reason}" if field and first["type"] != "value_error" else reason,
            remedy="see mssoftseg --help for what is accepted",
        ) from None


def run(job: AnyJob, emit: Emit, *, cancelled: Callable[[], bool] = lambda: False, debug: bool = False) -> JobOutcome:
    """Run the job in this process; errors become events, with debug they also show their traceback on stderr."""
    try:
        with send_logs_as_events(job.job, emit):
            path = _execute(job, emit, cancelled)
    except (JobCancelled, KeyboardInterrupt):
        emit({"event": "cancelled", "job": job.job})
        return JobOutcome(JobCancelled.exit_code, None, JobCancelled())
    except Exception as problem:
        if debug:
            logging.getLogger("mssoftseg.debug").exception("traceback of the failure")
        error = make_user_error(problem)
        emit(make_failed_event(job.job, error))
        return JobOutcome(error.exit_code, None, error)
    return JobOutcome(0, path, None)


def _execute(job: AnyJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    return find_job_kinds()[job.kind].load_runner()(job, emit, cancelled)


def make_failed_event(job: str | None, error: MSSoftSegError) -> dict[str, Any]:
    """The ``failed`` event of an error."""
    return {"event": "failed", "job": job, "code": error.code, "message": error.message, "remedy": error.remedy}
