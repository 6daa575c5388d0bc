"""The ``preprocess`` job as a document: one visit's images in, working images out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.exam_source import ExamSource
from MSSoftSegLib.jobs.documents.job import Job
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings


class PreprocessSpec(Document):
    """Raw exam to working images."""

    exam: ExamSource
    out: Path
    preprocessing: PreprocessingSettings = PreprocessingSettings()
    overwrite: bool = False
    use_cache: bool = True


class PreprocessJob(Job[Literal["preprocess"], PreprocessSpec]):
    """A job of kind ``preprocess``."""
