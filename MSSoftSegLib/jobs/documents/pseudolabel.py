"""The ``pseudolabel`` job as a document. No torch here."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

from pydantic import field_validator

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.inference.pseudo_label_settings import PseudoLabelChoices
from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job


class PseudolabelSpec(Document):
    """A teacher and unlabelled exams to a library of pseudo-labelled cases.

    model: the teacher. unlabelled: a folder of exam folders (below each, perhaps ``ses-`` folders), or a case library whose
    unlabelled cases are taken. out: a case library, made if absent. preprocessed: the exams of a folder are aligned, bias-
    corrected and brain-extracted on one grid already (a library's cases say so themselves).
    """

    model: str
    unlabelled: Path
    out: Path
    pseudo_labels: PseudoLabelChoices = PseudoLabelChoices()
    device: str = "auto"
    brain: Literal["auto", "hd-bet", "atlas", "none"] = "auto"
    align_to: Literal[Modality.T1, Modality.FLAIR] | None = None
    preprocessed: bool = False
    use_cache: bool = True

    @field_validator("pseudo_labels")
    @classmethod
    def _finite(cls, choices: PseudoLabelChoices) -> PseudoLabelChoices:
        for name, value in choices:
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name}: must be a finite number")
        return choices


class PseudolabelJob(Job[Literal["pseudolabel"], PseudolabelSpec]):
    """A job of kind ``pseudolabel``."""
