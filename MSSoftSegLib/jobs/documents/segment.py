"""The ``segment`` job as a document: one visit's images in, a result folder out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.exam_source import ExamSource
from MSSoftSegLib.jobs.documents.job import Job
from MSSoftSegLib.network.catalog import default_model
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings


class SegmentSpec(Document):
    """Raw exam to result folder. tta and threshold: None takes the model's own.

    preprocessed: the images are aligned, corrected and brain-extracted on one grid already, as those of a library can be: they
    are brought to the model's grid and nothing else.
    """

    exam: ExamSource
    out: Path
    model: str = Field(default_factory=default_model)
    device: str = "auto"
    preprocessing: PreprocessingSettings = PreprocessingSettings()
    preprocessed: bool = False
    reference: Modality = Modality.FLAIR
    tta: Literal["flips8", "none"] | None = None
    threshold: float | None = Field(default=None, gt=0, lt=1)
    keep_working: bool = True
    overwrite: bool = False
    use_cache: bool = True

    @model_validator(mode="after")
    def _nothing_is_left_to_preprocess(self) -> SegmentSpec:
        asked = self.preprocessing.brain not in ("auto", "none") or self.preprocessing.align_to is not None
        if self.preprocessed and asked:
            raise ValueError("--preprocessed images are taken as they are: leave --brain and --align-to out")
        return self


class SegmentJob(Job[Literal["segment"], SegmentSpec]):
    """A job of kind ``segment``."""
