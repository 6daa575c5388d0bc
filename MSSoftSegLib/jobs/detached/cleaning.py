"""Old job folders are thrown away; what the jobs have made lies elsewhere and stays."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Iterable

from MSSoftSegLib.jobs.detached.reading import JobState

DAYS_KEPT = 30


def find_ended_before(
    states: Iterable[JobState], days: float = DAYS_KEPT, *, now: datetime.datetime | None = None
) -> list[JobState]:
    """The jobs that do not run and were started longer ago than this."""
    limit = (now or datetime.datetime.now(datetime.UTC)) - datetime.timedelta(days=days)
    return [state for state in states if state.state != "running" and state.started < limit]


def remove(states: Iterable[JobState]) -> None:
    """Delete the folders of these jobs."""
    for state in states:
        shutil.rmtree(state.folder, ignore_errors=True)
