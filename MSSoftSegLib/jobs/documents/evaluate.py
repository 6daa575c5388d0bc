"""The ``evaluate`` and ``compare`` jobs as documents."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job


class EvaluateSpec(Document):
    """Predictions against truth: one case by its files, or many by a table.

    truth: one mask (or soft mask, 0–1) a rater. Either a prediction (mask) or a probability (0–1), or both; threshold makes
    a mask of the probability where no prediction is given (default 0.5). entropy: 0–1, of the probability where left out.
    brain: mask; nDSC, calibration and uncertainty need it. table: a CSV file in place of the files. possible: what label 2
    (possible lesion) of a truth counts as.
    """

    truth: tuple[Path, ...] = ()
    prediction: Path | None = None
    probability: Path | None = None
    entropy: Path | None = None
    brain: Path | None = None
    case: str = Field(default="1", min_length=1)
    table: Path | None = None
    out: Path
    connectivity: Literal[6, 18, 26] = 26
    min_lesion_voxels: int = Field(default=1, ge=1)
    threshold: float | None = Field(default=None, gt=0, lt=1)
    possible: Literal["lesion", "background"] = "lesion"
    overwrite: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> EvaluateSpec:
        files = (*self.truth, self.prediction, self.probability, self.entropy, self.brain)
        if self.table is not None:
            if any(path is not None for path in files):
                raise ValueError("give either a table or single files, not both")
            return self
        if not self.truth:
            raise ValueError("a truth is required: give --truth FILE, or --table FILE for many cases")
        if self.prediction is None and self.probability is None:
            raise ValueError("something to evaluate is required: give --prediction FILE or --probability FILE")
        if self.prediction is not None and self.threshold is not None:
            raise ValueError("a threshold is for a probability without a prediction: leave one of the two out")
        return self


class CompareSpec(Document):
    """Two results of ``evaluate`` on the same cases (their folders, or the metrics.json in them)."""

    first: Path
    second: Path
    out: Path
    overwrite: bool = False


class EvaluateJob(Job[Literal["evaluate"], EvaluateSpec]):
    """A job of kind ``evaluate``."""


class CompareJob(Job[Literal["compare"], CompareSpec]):
    """A job of kind ``compare``."""
