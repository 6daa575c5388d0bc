"""Where a job finds the images of one visit."""

from __future__ import annotations

from pathlib import Path

from pydantic import model_validator

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.documents.document import Document


class ExamSource(Document):
    """Where the images are: a folder to look in, or a file per modality (FLAIR at least).

    take_best: of several files of the folder that could play one part, take the best (exam/candidates.py) instead of asking.
    """

    folder: Path | None = None
    take_best: bool = False
    flair: Path | None = None
    t1: Path | None = None
    t2: Path | None = None
    pd: Path | None = None

    @model_validator(mode="after")
    def _one_way(self) -> ExamSource:
        named = [path for path in (self.flair, self.t1, self.t2, self.pd) if path is not None]
        if self.folder is not None and named:
            raise ValueError("give either an exam folder or single files, not both")
        if self.folder is None and self.flair is None:
            raise ValueError("a FLAIR image is required: give --flair FILE or --exam FOLDER")
        return self

    @property
    def files(self) -> dict[Modality, Path]:
        """The single files by modality."""
        named = {modality: getattr(self, modality) for modality in Modality}
        return {modality: path for modality, path in named.items() if path is not None}

    @property
    def paths(self) -> tuple[Path, ...]:
        """Everything that is read from: never to be overwritten."""
        return (*self.files.values(), *([self.folder] if self.folder is not None else []))
