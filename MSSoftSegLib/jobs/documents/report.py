"""The ``report`` job as a document: a result folder and a reader's correction in, a report that says who reviewed it out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job
from MSSoftSegLib.region.choices import Entered


class ReportSpec(Document):
    """A corrected result to a report.

    result: a folder of ``segment``. reference, labels: the image whose grid the result lies on, and the corrected label map on it
    (1 = lesion). threshold, min_lesion_mm3: from which the correction began. reviewer: "" = nobody said. decided: how many of the
    model's ``lesions`` at that threshold the reader accepted or rejected. spinal_cord, optic_nerve: what she entered about places
    that a brain exam does not show. out: the page; one that is there is replaced; None: no page, only where lesions lie.
    """

    result: Path
    reference: Path
    labels: Path
    threshold: float = Field(gt=0, le=1)
    min_lesion_mm3: float = Field(ge=0)
    reviewer: str = Field(default="", max_length=200)
    decided: int = Field(ge=0)
    lesions: int = Field(ge=0)
    spinal_cord: Entered = Entered.NOT_ENTERED
    optic_nerve: Entered = Entered.NOT_ENTERED
    out: Path | None = None

    @model_validator(mode="after")
    def _no_more_decided_than_there_are(self) -> ReportSpec:
        if self.decided > self.lesions:
            raise ValueError(f"{self.decided} of {self.lesions} lesions cannot be decided")
        return self


class ReportJob(Job[Literal["report"], ReportSpec]):
    """A job of kind ``report``."""
