"""What is known about a case besides its voxels: one JSON document each, which names every file and its checksum."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, ValidationError, model_validator

from MSSoftSegLib.errors import BadLibrary, RequestError
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.plain_text import decode_text, parse_json
from MSSoftSegLib.frozen_model import FrozenModel
from MSSoftSegLib.library.layout import CaseId
from MSSoftSegLib.softlabel.settings import SoftLabelSettings

SCHEMA_VERSION = 2
# Checksum of all else in a stored record.
SEAL = "record_sha256"
Status = Literal["unlabelled", "segmented", "corrected", "approved", "excluded"]
STATUSES: tuple[Status, ...] = get_args(Status)
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Edits(FrozenModel):
    """What a person changed in a mask, in voxels."""

    voxels_added: int = Field(ge=0)
    voxels_removed: int = Field(ge=0)


class RaterEntry(FrozenModel):
    """One rater's label map. time: when it was stored, UTC. edits: against the mask that it replaced or started from.

    version: 1 for this rater's first mask of the case, and one more for each that replaced it. volume_ml: of certain lesion.
    notes: the rater's free text about the case.
    """

    time: datetime.datetime
    edits: Edits | None = None
    version: int = Field(default=1, ge=1)
    volume_ml: float | None = Field(default=None, ge=0)
    notes: str = ""


class EarlierMask(FrozenModel):
    """A label map that its rater replaced later; it is kept. approved: whether the case was approved with it."""

    rater: str
    version: int = Field(ge=1)
    time: datetime.datetime
    approved: bool = False


class SoftLabelEntry(FrozenModel):
    """A stored soft mask, by the name in its file name, and whether a confidence map goes with it.

    settings: how it was made of the raters' masks; None where that is not known. made_of: checksums of these masks by rater,
    empty where that is not known.
    """

    name: str
    confidence: bool = False
    time: datetime.datetime
    settings: SoftLabelSettings | None = None
    made_of: dict[str, Sha256] = Field(default_factory=dict)


class ModelFindings(FrozenModel):
    """What a model said about the exam before anybody corrected it.

    psu, worst_lesion_lsu: structural uncertainty of the patient and of the lesion with most of it, 0–1, None without lesions;
    mean_entropy_nats: in the lesions. Volumes at the threshold, and as the sum of the probabilities.
    """

    model: str
    psu: float = Field(ge=0, le=1)
    worst_lesion_lsu: float | None = Field(default=None, ge=0, le=1)
    mean_entropy_nats: float | None = Field(default=None, ge=0)
    lesions: int = Field(ge=0)
    volume_ml: float = Field(ge=0)
    soft_volume_ml: float = Field(ge=0)
    threshold: float = Field(ge=0, le=1)


class HistoryEntry(FrozenModel):
    """One change, in the past tense; by: the rater who made it, where that is known; replaced: checksums of former files."""

    time: datetime.datetime
    change: str
    by: str | None = None
    replaced: dict[str, Sha256] = Field(default_factory=dict)


class CaseRecord(FrozenModel):
    """One case. checksums: SHA-256 of every file of the case by its name relative to the library.

    Version 1 had no earlier masks, findings, notes, settings of soft labels and seal; it is read as what it says.
    """

    schema_version: Literal[2] = 2
    patient: str
    session: str | None = None
    status: Status
    images: tuple[Modality, ...] = Field(min_length=1)
    raters: dict[str, RaterEntry] = Field(default_factory=dict)
    earlier: tuple[EarlierMask, ...] = ()
    soft_label: SoftLabelEntry | None = None
    source_model: str | None = None
    findings: ModelFindings | None = None
    preprocessed: bool = False
    pseudo_labelled: bool = False
    checksums: dict[str, Sha256]
    history: tuple[HistoryEntry, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _of_any_version(cls, document: Any) -> Any:
        version = document.get("schema_version", SCHEMA_VERSION) if isinstance(document, dict) else None
        if version in (1, SCHEMA_VERSION):
            rest = {key: value for key, value in document.items() if key != SEAL}
            return {**rest, "schema_version": SCHEMA_VERSION}
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise ValueError("schema_version: a newer MSSoftSeg wrote this record; use that one")
        return document

    @model_validator(mode="after")
    def _holds_together(self) -> CaseRecord:
        if Modality.FLAIR not in self.images:
            raise ValueError("images: FLAIR is missing")
        if set(self.checksums) != {str(name) for name in self.files}:
            raise ValueError("checksums: not of exactly the files of this case")
        if self.pseudo_labelled != (self.soft_label is not None and not self.raters):
            raise ValueError("pseudo_labelled: true where there is a soft label and no rater, and only there")
        if problem := find_status_problem(self.status, labeled=self.is_labeled):
            raise ValueError(f"status: {problem}")
        return self

    @property
    def case_id(self) -> CaseId:
        """The ids as one."""
        return CaseId(self.patient, self.session)

    @property
    def is_labeled(self) -> bool:
        """Whether anybody or anything labelled this case."""
        return bool(self.raters) or self.soft_label is not None

    @property
    def soft_label_is_current(self) -> bool | None:
        """Whether the masks that the soft label was made of are still those of the case; None where that is not known."""
        if self.soft_label is None or not self.soft_label.made_of:
            return None
        stored = {rater: self.checksums.get(str(self.case_id.rater_mask(rater))) for rater in self.raters}
        return stored == self.soft_label.made_of

    @property
    def files(self) -> tuple[PurePosixPath, ...]:
        """Every file of the case but the record itself, relative to the library."""
        return (*self.current_files, *self.earlier_files)

    @property
    def current_files(self) -> tuple[PurePosixPath, ...]:
        """Images and labels as they are now."""
        return list_files(self.case_id, self.images, self.raters, self.soft_label)

    @property
    def earlier_files(self) -> tuple[PurePosixPath, ...]:
        """Masks that later ones replaced."""
        return tuple(self.case_id.earlier_mask(mask.rater, mask.version) for mask in self.earlier)


def list_files(
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


def find_status_problem(status: Status, *, labeled: bool) -> str | None:
    """Why a case cannot have a status; None where it can."""
    if status == "unlabelled" and labeled:
        return "'unlabelled', but there is a label"
    if status in ("segmented", "corrected", "approved") and not labeled:
        return f"{status!r}, but there is no label"
    return None


def parse_record(text: str | bytes, *, file_name: str, expected: CaseId | None = None) -> CaseRecord:
    """The record that a file holds; BadLibrary names the file and the field that does not hold."""
    try:
        record = CaseRecord.model_validate_json(decode_text(text) if isinstance(text, bytes) else text)
    except UnicodeDecodeError:
        raise BadLibrary(f"{file_name} is not text in UTF-8", remedy="restore the file from a backup") from None
    except RequestError as problem:  # an id that is none
        raise BadLibrary(f"{file_name}: {problem.message}", remedy="restore the file from a backup") from None
    except ValidationError as problem:
        first = problem.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise BadLibrary(
            f"{file_name}: {field + ': ' if field else ''}{reason}",
            remedy="restore the file from a backup, or add the case again",
        ) from None
    if expected is not None and record.case_id != expected:
        if str(record.case_id).casefold() == str(expected).casefold():
            # A disk that takes capitals for small letters.
            raise BadLibrary(f"{expected} is spelt {record.case_id}", remedy="name it as it is spelt there")
        raise BadLibrary(f"{file_name} speaks of the case {record.case_id}", remedy="restore the file from a backup")
    return record


def format_record(record: CaseRecord) -> str:
    """The record as it is stored, sealed."""
    document = record.model_dump(mode="json")
    return json.dumps({**document, SEAL: _seal(document)}, indent=2, ensure_ascii=False) + "\n"


def is_altered(text: str | bytes) -> bool:
    """Whether a stored record is not what was written; one of version 1 has no seal to tell."""
    document = parse_json(text)
    seal = document.pop(SEAL, None)
    return document.get("schema_version") != 1 and seal != _seal(document)


def _seal(document: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def read_clock() -> datetime.datetime:
    """This moment, UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)
