"""The ``exam-images`` job as a document: the series of a visit that were chosen, as image files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.exam_source import ExamSource
from MSSoftSegLib.jobs.documents.job import Job


class ExamImagesSpec(Document):
    """exam: where the images are; out: the folder for ``FLAIR.nii.gz`` and so on, on their own native grids."""

    exam: ExamSource
    out: Path
    overwrite: bool = False


class ExamImagesJob(Job[Literal["exam-images"], ExamImagesSpec]):
    """A job of kind ``exam-images``.

    summary: images {contrast: file name in the result's folder}, warnings: what a careful reader should know, in sentences.
    """
