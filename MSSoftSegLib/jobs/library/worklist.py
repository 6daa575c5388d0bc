"""The ``library-worklist`` job: the cases in the order in which they are worth looking at, read from their records alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from MSSoftSegLib.jobs.documents.library.worklist import LibraryWorklistJob
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.library.case_record import STATUSES
from MSSoftSegLib.library.library_settings import read_settings
from MSSoftSegLib.library.worklist import make_row, read_all, sort_rows

SHARES = {"reading": 1.0}


def run_library_worklist(job: LibraryWorklistJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the library's folder."""
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    reporter.progress("reading", 0.0)
    records, problems = read_all(spec.library)
    chosen = [record for record in records if not spec.statuses or record.status in spec.statuses]
    counts = Counter(record.status for record in records)
    softening = read_settings(spec.library).softening
    reporter.progress("reading", 1.0)
    summary: dict[str, Any] = {
        "cases": [make_row(record) for record in sort_rows(chosen, spec.order)],
        "counts": {status: counts[status] for status in STATUSES},
        "merge": None if softening is None else softening.merge,
        "problems": [{"case": str(case), "message": str(problem)} for case, problem in problems.items()],
    }
    reporter.result(spec.library.name, summary)
    return spec.library
