"""The ``library-export`` job as a document: cases of a library in the layout that another tool reads."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from pydantic import Field, model_validator

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job
from MSSoftSegLib.library.case_record import Status
from MSSoftSegLib.softlabel.settings import Merge, SoftLabelSettings

ExportFormat = Literal["nifti", "bids", "nnunet", "monai-datalist", "dicom-seg", "isbi-submission"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)


class LibraryExportSpec(Document):
    """Cases of a library to a folder (monai-datalist: a .json file).

    cases: by name (``sub-01_ses-02``), whatever their status; empty = all of the statuses. rater: whose masks; merge: how
    several raters become one mask instead; neither = every rater's, or for nnunet the first by name. soft_label: how a soft
    mask is made where none is stored. dicom: folder with the source series, for dicom-seg. predictions, team: isbi-submission.
    """

    library: Path
    format: ExportFormat
    out: Path
    statuses: tuple[Status, ...] = Field(default=("approved",), min_length=1)
    cases: tuple[str, ...] = ()
    rater: str | None = None
    merge: Merge | None = None
    soft_label: SoftLabelSettings | None = None
    dicom: Path | None = None
    predictions: Path | None = None
    team: str | None = None
    overwrite: bool = False

    @model_validator(mode="after")
    def _goes_together(self) -> LibraryExportSpec:
        if self.format == "dicom-seg" and self.dicom is None:
            raise ValueError(
                "dicom-seg needs the source series, for the library holds no identity: give --dicom FOLDER"
            )
        if self.format != "dicom-seg" and self.dicom is not None:
            raise ValueError("--dicom goes with --format dicom-seg only: no other export carries an identity")
        if self.format == "isbi-submission" and (self.predictions is None or self.team is None):
            raise ValueError("a submission needs predictions and a team: give --predictions and --team")
        if self.format != "isbi-submission" and (self.predictions is not None or self.team is not None):
            raise ValueError("--predictions and --team go with --format isbi-submission only")
        if self.rater is not None and self.merge is not None:
            raise ValueError("give either one rater or a merge of all, not both")
        if self.format == "nnunet" and self.soft_label is not None:
            raise ValueError("nnU-Net takes no soft labels: leave the soft label out, or choose another --format")
        return self


class LibraryExportJob(Job[Literal["library-export"], LibraryExportSpec]):
    """A job of kind ``library-export``."""
