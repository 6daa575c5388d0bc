"""The ``segment`` job as a document: one visit's images in, a result folder out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.exam_source import ExamSource
from MSSoftSegLib.jobs.documents.job import Job
from MSSoftSegLib.network.catalog import find_default_model
from MSSoftSegLib.segmenting.choices import SegmentChoices


class SegmentSpec(SegmentChoices, Document):
    """Raw exam to result folder, with the choices of every segmentation.

    dicom_seg: write the result as DICOM objects of the exam's study too (they carry the patient's identity).
    preview: an event shows the first answer while further looks refine it.
    """

    exam: ExamSource
    out: Path
    model: str = Field(default_factory=find_default_model)
    device: str = "auto"
    keep_working: bool = True
    dicom_seg: bool = False
    overwrite: bool = False
    preview: bool = False

    @model_validator(mode="after")
    def _dicom_seg_needs_dicom(self) -> SegmentSpec:
        if self.dicom_seg and self.exam.dicom is None:
            raise ValueError("--dicom-seg needs the exam as DICOM: give --dicom FOLDER")
        return self


class SegmentJob(Job[Literal["segment"], SegmentSpec]):
    """A job of kind ``segment``."""
