"""What long jobs there are, how they are, what they say, and the wish that one stops: for the panel and for shells.

Reads files only; no torch, no pydantic, nothing that blocks for more than a disk access.
"""

from __future__ import annotations

import datetime
import json
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from MSSoftSegLib.disk_clock import read_disk_clock_s
from MSSoftSegLib.jobs.detached.folder import (
    CANCEL,
    EVENTS,
    HEARTBEAT,
    JOB,
    LAST_EVENTS,
    PROCESS,
    find_jobs_folder,
    read_document,
)
from MSSoftSegLib.process_identity import is_alive

State = Literal["running", "finished", "failed", "cancelled", "lost"]
# A process that cannot be asked for is taken for dead when its heartbeat is this old; one that never began, too.
SILENT_AFTER_S = 60.0
# The end of the events, which says how a job is, without reading all that a week's training said.
END_BYTES = 65536


@dataclass(frozen=True)
class JobState:
    """One long job. started: when it was asked for, UTC. spec: the job's document; out: the folder that it makes.

    overall: share done, 0–1, as last told; message: what it last said about its progress. last_error: what went wrong, for
    the user. result: the summary of a finished job.
    """

    name: str
    kind: str
    folder: Path
    state: State
    started: datetime.datetime
    spec: dict[str, Any]
    last_error: str | None = None
    overall: float | None = None
    message: str = ""
    result: dict[str, Any] | None = None

    @property
    def out(self) -> str:
        """Base name of what the job makes."""
        return Path(str(self.spec.get("out", ""))).name

    @property
    def can_be_resumed(self) -> bool:
        """Whether it was stopped before its end, by whom or whatever."""
        return self.state in ("lost", "cancelled", "failed")


class EventTail:
    """The events of a job as they come; each ``new_events`` gives those that are whole since the last."""

    def __init__(self, folder: Path) -> None:
        self._path = Path(folder) / EVENTS
        self._place = 0
        self._file: tuple[int, int] | None = None

    def new_events(self) -> list[dict[str, Any]]:
        """Whole events that were not given before; a file that was replaced or cut is read from its beginning again."""
        try:
            with self._path.open("rb") as stream:
                status = os.fstat(stream.fileno())
                file = (status.st_dev, status.st_ino)
                if file != self._file or status.st_size < self._place:
                    self._file, self._place = file, 0
                stream.seek(self._place)
                content = stream.read()
        except OSError:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        self._place += len(whole)
        return parse_events(whole)


def parse_events(content: bytes) -> list[dict[str, Any]]:
    """The events of whole lines; a line that a kill has torn is none."""
    events = []
    for line in content.split(b"\n"):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            events.append(event)
    return events


def list_jobs() -> tuple[JobState, ...]:
    """All long jobs of this user, the latest first."""
    try:
        folders = [path for path in find_jobs_folder().iterdir() if (path / JOB).is_file()]
    except OSError:
        return ()
    states = [state for state in map(read_job, folders) if state is not None]
    return tuple(sorted(states, key=lambda state: (state.started, state.name), reverse=True))


def read_job(folder: Path) -> JobState | None:
    """How one job is; None where the folder is not there or is no job's."""
    document = read_document(folder / JOB)
    if document is None or not isinstance(document.get("spec"), dict):
        return _unreadable(folder) if (folder / JOB).is_file() else None
    state, events = _state(folder)
    progress: dict[str, Any] = next((event for event in reversed(events) if event["event"] == "progress"), {})
    last = events[-1] if events else {}
    return JobState(
        name=folder.name,
        kind=str(document.get("kind")),
        folder=folder,
        state=state,
        started=_time(document.get("created"), folder),
        spec=document["spec"],
        last_error=_error(state, last, folder),
        overall=1.0 if state == "finished" else progress.get("overall"),
        message=str(progress.get("message") or progress.get("stage") or ""),
        result=last.get("summary") if state == "finished" else None,
    )


def request_cancel(folder: Path) -> None:
    """Ask a job to stop; it does so at its next step and keeps what can be resumed. FileNotFoundError: there is no job."""
    (Path(folder) / CANCEL).touch()


def find_ending(events: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The event that a job ended with; None where it goes on: what follows such an event was said when it was resumed."""
    return events[-1] if events and events[-1]["event"] in LAST_EVENTS else None


def _state(folder: Path) -> tuple[State, list[dict[str, Any]]]:
    gone = not _works(folder)
    # Read after the look at the process: what it said last is then there.
    events = _last_events(folder)
    end = find_ending(events)
    if end is not None:
        states: dict[str, State] = {"result": "finished", "failed": "failed", "cancelled": "cancelled"}
        return states[end["event"]], events
    return ("lost" if gone else "running"), events


def _works(folder: Path) -> bool:
    """Whether somebody works on the job, or has only just been sent to."""
    known = read_document(folder / PROCESS)
    alive = is_alive(known) if known is not None and "process" in known else None
    if alive is not None:
        return alive
    return _age_s(folder / HEARTBEAT, folder / PROCESS, folder / JOB) < SILENT_AFTER_S


def _age_s(*paths: Path) -> float:
    """Seconds since the latest of these files of a folder was touched: by its disk's clock, or ours where no file can be made."""
    now_s = read_disk_clock_s(paths[0].parent) or time.time()
    ages = [float("inf")]
    for path in paths:
        try:
            ages.append(now_s - path.stat().st_mtime)
        except OSError:
            continue
    return min(ages)


def _last_events(folder: Path) -> list[dict[str, Any]]:
    try:
        with (folder / EVENTS).open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - END_BYTES))
            content = stream.read()
    except OSError:
        return []
    if size > END_BYTES:
        content = content[content.find(b"\n") + 1 :]
    return parse_events(content[: content.rfind(b"\n") + 1])


def explain_lost(folder: Path) -> str:
    """What is known of a job whose process is not heard of: of another machine's not that it is dead."""
    known = read_document(folder / PROCESS) or {}
    machine = str(known.get("machine", "")).split()
    if machine and is_alive(known) is None and machine[0] != socket.gethostname():
        return (
            f"it ran on the machine {machine[0]}, which cannot be asked from here, and has shown no sign of life for a minute: "
            "it was killed, or that machine or its disk is away"
        )
    return "its process ended without a word: it was killed, or the machine was switched off"


def _error(state: State, last: dict[str, Any], folder: Path) -> str | None:
    if state == "failed":
        return f"{last.get('message')} — {last.get('remedy')}"
    if state == "lost":
        return f"{explain_lost(folder)} — resume it"
    return None


def _time(text: object, folder: Path) -> datetime.datetime:
    try:
        found = datetime.datetime.fromisoformat(str(text))
        return found if found.tzinfo is not None else found.replace(tzinfo=datetime.UTC)
    except ValueError:
        return datetime.datetime.fromtimestamp((folder / JOB).stat().st_mtime, datetime.UTC)


def _unreadable(folder: Path) -> JobState | None:
    try:
        started = _time(None, folder)
    except OSError:
        return None
    return JobState(folder.name, "unknown", folder, "lost", started, {}, f"{JOB} cannot be read — remove the job")
