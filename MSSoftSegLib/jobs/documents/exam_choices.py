"""The ``exam-choices`` job as a document: what a folder holds, what would be taken of it, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import model_validator

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job


class ExamChoicesSpec(Document):
    """folder: of image files, as ``--exam`` takes it; dicom: of DICOM files, as ``--dicom`` takes it. One of the two."""

    folder: Path | None = None
    dicom: Path | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> ExamChoicesSpec:
        if (self.folder is None) == (self.dicom is None):
            raise ValueError("give either a folder of images or a folder of DICOM files")
        return self


class ExamChoicesJob(Job[Literal["exam-choices"], ExamChoicesSpec]):
    """A job of kind ``exam-choices``.

    summary: visits [{patient, file, images, chosen, warnings, problem}], which are never mixed. patient: a number, the same for
    visits of one person; file: the place of one of the visit's files among all files below the folder, null where the images are
    no DICOM; images [{key, words, contrast, reason, problem}]: key as ``--series`` takes it, or the file's name; contrast: flair,
    t1, t2, pd or null; reason: what says so, or why it is none; problem: why it cannot be used, or null; chosen {contrast: {key,
    because}}: what would be taken; problem: why no exam can be proposed, or null. Nothing in it names a person.
    """
