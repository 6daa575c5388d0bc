"""The ``segment`` job as a document: one visit's images in, a result folder out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.exam_source import ExamSource
from MSSoftSegLib.jobs.documents.job import Job
from MSSoftSegLib.network.catalog import default_model
from MSSoftSegLib.segmenting.choices import SegmentChoices


class SegmentSpec(SegmentChoices, Document):
    """Raw exam to result folder, with the choices of every segmentation."""

    exam: ExamSource
    out: Path
    model: str = Field(default_factory=default_model)
    device: str = "auto"
    keep_working: bool = True
    overwrite: bool = False


class SegmentJob(Job[Literal["segment"], SegmentSpec]):
    """A job of kind ``segment``."""
