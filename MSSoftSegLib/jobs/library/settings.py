"""The ``library-settings`` job: tells, or changes, how a library's raters are merged and softened by default."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from MSSoftSegLib.jobs.documents.library.settings import LibrarySettingsJob
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.library.library_settings import LibrarySettings, read_settings, write_settings
from MSSoftSegLib.library.reading import check_is_library

SHARES = {"settings": 1.0}


def run_library_settings(job: LibrarySettingsJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the library's folder."""
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    reporter.progress("settings", 0.0)
    check_is_library(spec.library)
    if spec.softening is not None:
        write_settings(spec.library, LibrarySettings(softening=spec.softening))
    softening = read_settings(spec.library).softening
    reporter.progress("settings", 1.0)
    summary = {
        "softening": None if softening is None else softening.model_dump(mode="json"),
        "merge": None if softening is None else softening.merge,
    }
    reporter.result(spec.library.name, summary)
    return spec.library
