"""What is known about a case besides its voxels: one JSON document each, which names every file and its checksum."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, Field, ValidationError, model_validator

from MSSoftSegLib.errors import BadLibrary
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.layout import CaseId

Status = Literal["unlabelled", "segmented", "corrected", "approved", "excluded"]
STATUSES: tuple[Status, ...] = get_args(Status)
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Part(BaseModel, frozen=True, extra="forbid"):
    pass


class Edits(_Part):
    """What a person changed in a mask, in voxels."""

    voxels_added: int = Field(ge=0)
    voxels_removed: int = Field(ge=0)


class RaterEntry(_Part):
    """One rater's label map. time: when it was stored, UTC. edits: against the mask that it replaced or started from."""

    time: datetime.datetime
    edits: Edits | None = None


class SoftLabelEntry(_Part):
    """A stored soft mask, by the name in its file name, and whether a confidence map goes with it."""

    name: str
    confidence: bool = False
    time: datetime.datetime


class HistoryEntry(_Part):
    """One change, in the past tense; replaced: checksums of files that it overwrote."""

    time: datetime.datetime
    change: str
    replaced: dict[str, Sha256] = Field(default_factory=dict)


class CaseRecord(_Part):
    """One case. checksums: SHA-256 of every file of the case by its name relative to the library."""

    schema_version: Literal[1] = 1
    patient: str
    session: str | None = None
    status: Status
    images: tuple[Modality, ...] = Field(min_length=1)
    raters: dict[str, RaterEntry] = Field(default_factory=dict)
    soft_label: SoftLabelEntry | None = None
    source_model: str | None = None
    preprocessed: bool = False
    pseudo_labelled: bool = False
    checksums: dict[str, Sha256]
    history: tuple[HistoryEntry, ...] = ()

    @model_validator(mode="after")
    def _holds_together(self) -> CaseRecord:
        if Modality.FLAIR not in self.images:
            raise ValueError("images: FLAIR is missing")
        if set(self.checksums) != {str(name) for name in self.files}:
            raise ValueError("checksums: not of exactly the files of this case")
        if self.pseudo_labelled != (self.soft_label is not None and not self.raters):
            raise ValueError("pseudo_labelled: true where there is a soft label and no rater, and only there")
        if problem := status_problem(self.status, labelled=self.is_labelled):
            raise ValueError(f"status: {problem}")
        return self

    @property
    def case_id(self) -> CaseId:
        """The ids as one."""
        return CaseId(self.patient, self.session)

    @property
    def is_labelled(self) -> bool:
        """Whether anybody or anything labelled this case."""
        return bool(self.raters) or self.soft_label is not None

    @property
    def files(self) -> tuple[PurePosixPath, ...]:
        """Every file of the case but the record itself, relative to the library."""
        return files_of(self.case_id, self.images, self.raters, self.soft_label)


def files_of(
    case: CaseId, images: Iterable[Modality], raters: Iterable[str], soft_label: SoftLabelEntry | None
) -> tuple[PurePosixPath, ...]:
    """Every file of a case with these images and labels, relative to the library."""
    names = [case.image(modality) for modality in images]
    names += [case.rater_mask(rater) for rater in raters]
    if soft_label is not None:
        names.append(case.soft_label(soft_label.name))
        if soft_label.confidence:
            names.append(case.confidence(soft_label.name))
    return tuple(names)


def status_problem(status: Status, *, labelled: bool) -> str | None:
    """Why a case cannot have a status; None where it can."""
    if status == "unlabelled" and labelled:
        return "'unlabelled', but there is a label"
    if status in ("segmented", "corrected", "approved") and not labelled:
        return f"{status!r}, but there is no label"
    return None


def parse_record(text: str | bytes, *, file_name: str, expected: CaseId | None = None) -> CaseRecord:
    """The record that a file holds; BadLibrary names the file and the field that does not hold."""
    try:
        record = CaseRecord.model_validate_json(text)
    except ValidationError as problem:
        first = problem.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise BadLibrary(
            f"{file_name}: {field + ': ' if field else ''}{reason}",
            remedy="restore the file from a backup, or add the case again",
        ) from None
    if expected is not None and record.case_id != expected:
        raise BadLibrary(f"{file_name} speaks of the case {record.case_id}", remedy="restore the file from a backup")
    return record


def record_text(record: CaseRecord) -> str:
    """The record as it is stored."""
    return record.model_dump_json(indent=2) + "\n"


def now() -> datetime.datetime:
    """This moment, UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)
