"""The long jobs of this user, as the training section sees them: files that are read, never a process that is waited for."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from MSSoftSegGUI.worker.event_lines import Event
from MSSoftSegLib.jobs.detached.folder import find_jobs_folder
from MSSoftSegLib.jobs.detached.reading import EventTail, JobState, list_jobs, read_job, request_cancel

TRAIN = "train"
MODELS = "trained"


class Tail(Protocol):
    """Gives what a job said since it was asked last."""

    def new_events(self) -> list[Event]: ...


class LongJobs:
    """The jobs folder. Before the library's packages are installed there is none, and it is empty."""

    def trainings(self) -> tuple[JobState, ...]:
        """All trainings, the latest first."""
        try:
            return tuple(job for job in list_jobs() if job.kind == TRAIN)
        except ImportError:
            return ()

    def is_one_running(self) -> bool:
        """Whether a training works now."""
        return any(job.state == "running" for job in self.trainings())

    def state(self, folder: Path) -> JobState | None:
        """How one is; None where its folder is gone."""
        return read_job(folder)

    def tail(self, folder: Path) -> Tail:
        """What it says."""
        return EventTail(folder)

    def stop(self, folder: Path) -> None:
        """Ask it to stop; OSError where its folder is gone."""
        request_cancel(folder)

    def models_folder(self) -> Path:
        """Where new models appear and wait for a decision: beside the jobs. ImportError before packages are installed."""
        return find_jobs_folder().parent / MODELS
