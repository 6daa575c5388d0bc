"""The ``train-preflight`` job as a document: what a training would do, and what would be wrong with it. No torch here."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.train import TrainSpec


class TrainPreflightJob(Document):
    """A job of kind ``train-preflight``; its spec is the training's."""

    job: str = Field(min_length=1)
    kind: Literal["train-preflight"] = "train-preflight"
    spec: TrainSpec
