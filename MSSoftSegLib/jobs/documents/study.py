"""The ``study`` job as a document. No torch here."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job


class StudySpec(Document):
    """Every recipe on the same folds. library: approved cases with raters; None = digital patients, made for the study.

    side_by_side: trials at a time. resume: go on with a study that was stopped.
    """

    out: Path
    library: Path | None = None
    size: Literal["smoke", "workstation", "paired", "full"] = "full"
    side_by_side: int = Field(default=1, ge=1, le=64)
    resume: bool = False


class StudyJob(Job[Literal["study"], StudySpec]):
    """A job of kind ``study``."""
