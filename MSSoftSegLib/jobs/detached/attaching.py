"""Watching a long job as if it ran here: its events as they come, and how it ended."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from MSSoftSegLib.errors import JobCancelled, JobFailed, MSSoftSegError
from MSSoftSegLib.jobs.detached.folder import LAST_EVENTS
from MSSoftSegLib.jobs.detached.reading import EventTail, explain_lost, find_ending, read_job
from MSSoftSegLib.jobs.events import Emit
from MSSoftSegLib.jobs.run import JobOutcome

LOOK_EVERY_S = 0.2


def follow(folder: Path, emit: Emit, *, every_s: float = LOOK_EVERY_S) -> JobOutcome:
    """Every event since the job was started or last resumed, until it has ended; its outcome, as ``run`` would give it."""
    tail = EventTail(folder)
    events = _since_resumed(tail.new_events())
    while True:
        # The state is read before the events: once it is an end, all that was said is there.
        state = read_job(folder)
        events += tail.new_events()
        for event in events:
            emit(event)
        end = find_ending(events)
        if end is not None:
            return _outcome(folder, end)
        if state is None:
            raise JobFailed(
                "the folder of this job was removed: it stops by itself", remedy="go on with mssoftseg train --resume"
            )
        if state.state == "lost":
            return _lost(folder)
        events = []
        time.sleep(every_s)


def _since_resumed(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what was said before an earlier end."""
    ends = [number for number, event in enumerate(events[:-1]) if event["event"] in LAST_EVENTS]
    return events[ends[-1] + 1 :] if ends else events


def _outcome(folder: Path, end: dict[str, Any]) -> JobOutcome:
    if end["event"] == "result":
        state = read_job(folder)
        return JobOutcome(0, Path(str(state.spec["out"])) if state is not None else folder, None)
    error: MSSoftSegError = JobCancelled()
    if end["event"] == "failed":
        known = _errors(MSSoftSegError)
        kind = known.get(str(end.get("code")), JobFailed)
        error = kind(str(end.get("message")), remedy=str(end.get("remedy")))
    return JobOutcome(error.exit_code, None, error)


def _errors(base: type[MSSoftSegError]) -> dict[str, type[MSSoftSegError]]:
    """Every error by its code, which is what an event keeps of it; not the one that takes no words."""
    found = {} if base is JobCancelled else {base.code: base}
    for child in base.__subclasses__():
        found |= _errors(child)
    return found


def _lost(folder: Path) -> JobOutcome:
    error = JobFailed(
        f"the job {folder.name} is lost: {explain_lost(folder)}",
        remedy=f"go on from its last checkpoint with mssoftseg jobs resume {folder.name}",
    )
    return JobOutcome(error.exit_code, None, error)
