"""The ``change`` job as a document: two visits or more in their order, one folder out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job
from MSSoftSegLib.network.catalog import find_default_model
from MSSoftSegLib.preprocessing.settings import COMPUTED_BACKENDS, PreprocessingSettings

# What may stand in the place of a mask's file.
AUTOMATIC, MODEL = "auto", "model"


class GivenMask(Document):
    """Whose lesions of a visit are compared. mask: a reader's label map on FLAIR's grid (1 = lesion, 2 = possible), ``model`` for
    the model's lesions, or ``auto`` for the mask of a library's case and else the model's. rater: who drew that file.
    """

    mask: str = Field(default=AUTOMATIC, min_length=1)
    rater: str = Field(default="", max_length=200)


class ChangeSpec(Document):
    """Visits to what changed between them.

    visits: folders in order of time, each an exam's images or a finished result of ``segment``. model, device, preprocessing,
    tta: for the exams that are still to be segmented. masks: one a visit, or none at all, which is ``auto`` for every one; rater:
    whose mask of a library's case, None for the latest. enlarging_percent: None judges growth by what repeated scans vary.
    """

    visits: tuple[Path, ...] = Field(min_length=2)
    masks: tuple[GivenMask, ...] = ()
    rater: str | None = None
    out: Path
    model: str = Field(default_factory=find_default_model)
    device: str = "auto"
    preprocessing: PreprocessingSettings = PreprocessingSettings()
    tta: Literal["flips8", "none"] | None = None
    enlarging_percent: float | None = Field(default=None, gt=0, le=500)
    overwrite: bool = False
    use_cache: bool = True

    @model_validator(mode="after")
    def _one_mask_a_visit(self) -> ChangeSpec:
        if self.masks and len(self.masks) != len(self.visits):
            raise ValueError(
                f"{len(self.masks)} masks for {len(self.visits)} visits: give one for every visit, in order of time; "
                f"{MODEL} stands for the model's lesions"
            )
        return self

    @model_validator(mode="after")
    def _a_mask_is_of_one_exam(self) -> ChangeSpec:
        if self.preprocessing.brain not in (*COMPUTED_BACKENDS, "none"):
            raise ValueError(
                "a brain mask belongs to one visit: segment each exam with its own --brain, and give the results to change"
            )
        return self


class ChangeJob(Job[Literal["change"], ChangeSpec]):
    """A job of kind ``change``."""
