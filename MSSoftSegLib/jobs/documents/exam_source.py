"""Where a job finds the images of one visit."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.documents.document import Document


class ExamSource(Document):
    """Where the images are: a folder to look in, a folder of DICOM files, or a file per modality (FLAIR at least).

    take_best: of several files or series that could play one part, take the best (exam/candidates.py) instead of asking.
    series: of the DICOM folder, the UID or number of the series to take for a modality, or "none".
    """

    folder: Path | None = None
    dicom: Path | None = None
    series: dict[Modality, str] = Field(default_factory=dict)
    take_best: bool = False
    flair: Path | None = None
    t1: Path | None = None
    t2: Path | None = None
    pd: Path | None = None

    @model_validator(mode="after")
    def _one_way(self) -> ExamSource:
        named = [path for path in (self.flair, self.t1, self.t2, self.pd) if path is not None]
        folders = [folder for folder in (self.folder, self.dicom) if folder is not None]
        if folders and named:
            raise ValueError("give either a folder of the exam or single files, not both")
        if len(folders) > 1:
            raise ValueError("give either --exam or --dicom, not both")
        if not folders and self.flair is None:
            raise ValueError("a FLAIR image is required: give --flair FILE, --exam FOLDER or --dicom FOLDER")
        if self.series and self.dicom is None:
            raise ValueError("--series chooses among the series of --dicom FOLDER")
        return self

    @property
    def files(self) -> dict[Modality, Path]:
        """The single files by modality."""
        named = {modality: getattr(self, modality) for modality in Modality}
        return {modality: path for modality, path in named.items() if path is not None}

    @property
    def paths(self) -> tuple[Path, ...]:
        """Everything that is read from: never to be overwritten."""
        return (*self.files.values(), *(folder for folder in (self.folder, self.dicom) if folder is not None))
