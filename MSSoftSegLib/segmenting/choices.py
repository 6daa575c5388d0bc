"""What can be chosen about a segmentation; the same schema for Python, jobs and the command line. No torch here."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, model_validator

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings

Augmentation = Literal["flips8", "none"]


class SegmentChoices(BaseModel, frozen=True, extra="forbid"):
    """tta and threshold: None takes the model's own. reference: the image on whose native grid the result lies.

    preprocessed: the images are aligned, corrected and brain-extracted on one grid already, as those of a library can be: they
    are brought to the model's grid and nothing else.
    """

    preprocessing: PreprocessingSettings = PreprocessingSettings()
    preprocessed: bool = False
    reference: Modality = Modality.FLAIR
    tta: Augmentation | None = None
    threshold: float | None = Field(default=None, gt=0, lt=1)
    use_cache: bool = True

    @model_validator(mode="after")
    def _nothing_is_left_to_preprocess(self) -> SegmentChoices:
        asked = self.preprocessing.brain not in ("auto", "none") or self.preprocessing.align_to is not None
        if self.preprocessed and asked:
            raise ValueError("--preprocessed images are taken as they are: leave --brain and --align-to out")
        return self
