"""The ``promote-model`` job as a document: what becomes of a new model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job


class PromoteModelSpec(Document):
    """A decision on a model, by its name or its bundle's folder.

    default: it is installed and used from now on wherever no other model is named; candidate: installed, and used only
    where it is named; discard: its bundle is deleted. accept_worse: install it as the default although a comparison found it
    worse, or none was made.
    """

    model: str = Field(min_length=1)
    decision: Literal["default", "candidate", "discard"] = "default"
    accept_worse: bool = False


class PromoteModelJob(Job[Literal["promote-model"], PromoteModelSpec]):
    """A job of kind ``promote-model``."""
