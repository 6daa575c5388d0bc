"""The ``detach`` job: starts or resumes a long job in a process of its own and answers at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.jobs.detached.starting import resume, start
from MSSoftSegLib.jobs.documents.detach import DetachJob
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.jobs.kinds import find_job_kinds
from MSSoftSegLib.jobs.run import parse_job
from MSSoftSegLib.network.catalog import find_installed
from MSSoftSegLib.training.recipe import list_recipe_names


def run_detach(job: DetachJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the folder of the job that was started."""
    reporter = Reporter(job.job, {"starting": 1.0}, emit, cancelled)
    reporter.started(job.kind)
    reporter.progress("starting", 0.0)
    spec = job.spec
    if spec.resume is not None:
        folder = resume(spec.resume)
    else:
        kind = str(spec.kind)
        check_is_long(kind)
        folder = start(kind, make_spec_absolute(kind, spec.spec or {}))
    reporter.progress("starting", 1.0)
    reporter.result(folder.name, {"folder": str(folder), "job": folder.name})
    return folder


def check_is_long(kind: str) -> None:
    """Refuse what is no long job: it would run where nobody waits for it."""
    long = [name for name, each in find_job_kinds().items() if each.is_long]
    if kind not in long:
        raise RequestError(f"a job of kind {kind} cannot be detached", remedy=f"detach one of these: {', '.join(long)}")


def make_spec_absolute(kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a job, checked, as JSON values that mean the same in every folder."""
    checked = parse_job({"job": "new", "kind": kind, "spec": dict(spec)}).spec
    document: dict[str, Any] = checked.model_dump(mode="json")
    for name in type(checked).model_fields:
        value = getattr(checked, name)
        if isinstance(value, Path) or (isinstance(value, str) and _names_a_file(name, value)):
            document[name] = str(Path(value).absolute())
    return document


def _names_a_file(field: str, value: str) -> bool:
    """Whether a recipe or model is given by a file or folder rather than by its name."""
    if field == "recipe":
        return value not in list_recipe_names() and Path(value).exists()
    return field in ("init", "teacher") and value not in find_installed() and Path(value).exists()
