"""The ``train-preflight`` job as a document: what a training would do, and what would be wrong with it. No torch here."""

from __future__ import annotations

from typing import Literal

from MSSoftSegLib.jobs.documents.job import Job
from MSSoftSegLib.jobs.documents.train import TrainSpec


class TrainPreflightJob(Job[Literal["train-preflight"], TrainSpec]):
    """A job of kind ``train-preflight``; its spec is the training's."""
