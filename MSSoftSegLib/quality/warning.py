"""One warning: what is odd, about which image, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from MSSoftSegLib.exam.modality import Modality


class Check(StrEnum):
    """What was looked at."""

    MISSING = "missing image"
    CONTRAST = "contrast"
    SAME_IMAGE = "same image"
    ALIGNMENT = "alignment"
    BRAIN = "brain"
    STATISTICS = "statistics"
    LESION_LOAD = "lesion load"


@dataclass(frozen=True)
class QualityWarning:
    """text: whole sentences for the reader, which name images by their slot and hold nothing of the patient or the files.

    modality: the slot that it is about, None where it is about the exam or the result.
    """

    check: Check
    text: str
    modality: Modality | None = None
