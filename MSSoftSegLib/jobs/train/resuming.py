"""How a stopped training or study goes on: its document once more, changed so that what its run has kept is gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from MSSoftSegLib.jobs.detached.reading import JobState


def resume_training(state: JobState) -> dict[str, Any]:
    """A training goes on where its run was opened; it is as it was where it has not come so far."""
    if not _run_was_opened(state):
        return state.spec
    return state.spec | {"resume": True, "overwrite": False, "replace": True}


def resume_study(state: JobState) -> dict[str, Any]:
    """A study goes on from what it has finished."""
    return state.spec | {"resume": True}


def _run_was_opened(state: JobState) -> bool:
    """Whether the run's folder is this job's: one that it was to replace, but had no time to, is older than the job."""
    if state.spec.get("resume"):
        return True
    out = Path(str(state.spec.get("out", "")))
    try:
        # File systems keep times by the second at worst.
        return (out.parent / f"{out.name}.run" / "config.json").stat().st_mtime > state.started.timestamp() - 2.0
    except OSError:
        return False
