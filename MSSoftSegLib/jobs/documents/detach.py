"""The ``detach`` job as a document: starts a long job in a process of its own. No torch here."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import model_validator

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job


class DetachSpec(Document):
    """A long job to start (kind and spec), or the folder of one to go on with (resume). Families say which are long."""

    kind: str | None = None
    spec: dict[str, Any] | None = None
    resume: Path | None = None

    @model_validator(mode="after")
    def _one_way(self) -> DetachSpec:
        begun = self.kind is not None and self.spec is not None
        if begun == (self.resume is not None) or (self.kind is None) != (self.spec is None):
            raise ValueError("give either kind and spec of a job to start, or the folder of a job to resume")
        return self


class DetachJob(Job[Literal["detach"], DetachSpec]):
    """A job of kind ``detach``."""
