"""What is in a case library, for listings and for training. Reading never writes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from MSSoftSegLib.errors import BadImage, BadLibrary, RequestError
from MSSoftSegLib.exam.image_file import compute_sha256
from MSSoftSegLib.exam.plain_text import parse_json
from MSSoftSegLib.library.case_record import STATUSES, CaseRecord, Status, parse_record
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.library.layout import (
    DERIVATIVES,
    DESCRIPTION,
    WRITERS_FOLDER,
    CaseId,
    find_case_of_file,
    resolve_inside,
)

# A network disk answers many questions at once as fast as one.
SIDE_BY_SIDE = 16
RESTORE = "restore it from a backup, or exclude the case; see mssoftseg library check"


def check_is_library(folder: Path) -> None:
    """Refuse a folder that is not a case library."""
    try:
        description = parse_json((folder / DESCRIPTION).read_bytes())
    except FileNotFoundError:
        raise BadLibrary(
            f"{folder.name} is not a case library: it has no {DESCRIPTION}",
            remedy="make one with mssoftseg library init, or import this folder with mssoftseg library import",
        ) from None
    except (OSError, ValueError):
        raise BadLibrary(f"{DESCRIPTION} of {folder.name} cannot be read", remedy="restore it from a backup") from None
    marks = (folder / WRITERS_FOLDER, resolve_inside(folder, DERIVATIVES / DESCRIPTION))
    if not isinstance(description, dict) or not any(mark.exists() for mark in marks):
        raise BadLibrary(
            f"{folder.name} is a BIDS data set, but not a case library of MSSoftSeg",
            remedy="import it with mssoftseg library import --format bids",
        )


def list_case_ids(library: Path) -> list[CaseId]:
    """The cases that have a record, in order of name."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as readers:
        found = readers.map(
            lambda folder: _case_ids_in(library, folder), resolve_inside(library, DERIVATIVES).glob("sub-*")
        )
        return sorted((case for cases in found for case in cases), key=str)


def _case_ids_in(library: Path, folder: Path) -> list[CaseId]:
    """The cases of one patient."""
    records = [*folder.glob("anat/*_case.json"), *folder.glob("ses-*/anat/*_case.json")]
    found = (find_case_of_file(PurePosixPath(*record.relative_to(library).parts)) for record in records)
    return [case for case in found if case is not None]


def find_case(library: Path, case: CaseId) -> CaseRecord | None:
    """The record of a case; None where there is no such case."""
    path = resolve_inside(library, case.record)
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        raise BadLibrary(f"{path.name} cannot be read", remedy=RESTORE) from None
    return parse_record(text, file_name=path.name, expected=case)


def read_case(library: Path, case: CaseId) -> CaseRecord:
    """The record of a case that must be there."""
    record = find_case(library, case)
    if record is None:
        check_is_library(library)
        raise RequestError(f"there is no case {case}", remedy="see mssoftseg library list")
    return record


def read_library(library: Path) -> list[CaseRecord]:
    """The records of all cases, in order of name; BadLibrary names the first that cannot be read."""
    check_is_library(library)
    return [read_case(library, case) for case in list_case_ids(library)]


def read_labeled_cases(
    library: Path, *, statuses: Sequence[Status] = ("approved",), verify: bool = False
) -> list[LabeledCase]:
    """The labelled cases of some statuses, in order of name, as training takes them.

    Every file must be there (BadLibrary names the one that is not); verify: and have the checksum of its record.
    """
    unknown = [status for status in statuses if status not in STATUSES]
    if unknown:
        raise RequestError(f"{unknown[0]!r} is not a status", remedy=f"choose from {', '.join(STATUSES)}")
    chosen = [record for record in read_library(library) if record.status in statuses and record.is_labeled]
    for record in chosen:
        verify_files(library, record, checksums=verify)
    return [read_labeled_case(library, record) for record in chosen]


def verify_files(library: Path, record: CaseRecord, *, checksums: bool) -> None:
    """BadLibrary for the first image or label of a case that is gone or, with checksums, is not what it was."""
    for name in record.current_files:
        if problem := find_file_problem(
            resolve_inside(library, name), record.checksums[str(name)] if checksums else None
        ):
            raise BadLibrary(f"{name.name} {problem}", remedy=RESTORE)


def find_file_problem(path: Path, checksum: str | None) -> str | None:
    """What is wrong with a stored file, None where it is as it was (without a checksum: where it is there)."""
    if not path.is_file():
        return "is missing"
    try:
        if checksum is not None and compute_sha256(path) != checksum:
            return "is damaged: its checksum does not hold"
    except (BadImage, OSError):
        return "cannot be read"
    return None


def read_labeled_case(library: Path, record: CaseRecord) -> LabeledCase:
    """One labelled case as training takes it."""
    case, soft = record.case_id, record.soft_label
    return LabeledCase(
        case=str(case),
        patient=record.patient,
        images=MappingProxyType(
            {modality: resolve_inside(library, case.image(modality)) for modality in record.images}
        ),
        raters=MappingProxyType(
            {rater: resolve_inside(library, case.rater_mask(rater)) for rater in sorted(record.raters)}
        ),
        soft_label=None if soft is None else resolve_inside(library, case.soft_label(soft.name)),
        confidence=resolve_inside(library, case.confidence(soft.name))
        if soft is not None and soft.confidence
        else None,
        preprocessed=record.preprocessed,
    )
