"""The ``change`` job as a document: two visits or more in their order, one folder out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job
from MSSoftSegLib.network.catalog import default_model
from MSSoftSegLib.preprocessing.settings import COMPUTED_BACKENDS, PreprocessingSettings


class ChangeSpec(Document):
    """Visits to what changed between them.

    visits: folders in order of time, each an exam's images or a finished result of ``segment``. model, device, preprocessing,
    tta: for the exams that are still to be segmented. enlarging_percent: None judges growth by what repeated scans vary.
    """

    visits: tuple[Path, ...] = Field(min_length=2)
    out: Path
    model: str = Field(default_factory=default_model)
    device: str = "auto"
    preprocessing: PreprocessingSettings = PreprocessingSettings()
    tta: Literal["flips8", "none"] | None = None
    enlarging_percent: float | None = Field(default=None, gt=0, le=500)
    overwrite: bool = False
    use_cache: bool = True

    @model_validator(mode="after")
    def _a_mask_is_of_one_exam(self) -> ChangeSpec:
        if self.preprocessing.brain not in (*COMPUTED_BACKENDS, "none"):
            raise ValueError(
                "a brain mask belongs to one visit: segment each exam with its own --brain, and give the results to change"
            )
        return self


class ChangeJob(Job[Literal["change"], ChangeSpec]):
    """A job of kind ``change``."""
