"""Which exams get a pseudo-label, under which name, and which have one already. The same question has the same answer.

Names of folders may be names of people: an exam from a folder becomes ``pseudo001``, ``pseudo002``… in order of folder name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from MSSoftSegLib.errors import EnvironmentLack, MSSoftSegError, OutputExists, RequestError
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import find_exam
from MSSoftSegLib.library.case_record import CaseRecord
from MSSoftSegLib.library.creation import is_begun
from MSSoftSegLib.library.layout import DERIVATIVES, DESCRIPTION, CaseId, resolve_inside
from MSSoftSegLib.library.reading import check_is_library, read_library
from MSSoftSegLib.library.same_exam import predict_stored_checksum, read_flair_checksum
from MSSoftSegLib.result_folder import check_can_be_made

PREFIX = "pseudo"


@dataclass(frozen=True)
class PlannedExam:
    """One exam to be labelled.

    origin: folder name relative to what was given; it may name a patient, so it is shown to the caller and stored nowhere.
    case: in the output library. files: by modality, None where the folder makes no exam; problem: why. there: what the
    output library holds of this exam already, None where it waits for a label.
    """

    origin: str
    case: CaseId
    files: Mapping[Modality, Path] | None
    preprocessed: bool = False
    problem: MSSoftSegError | None = None
    there: str | None = None


@dataclass(frozen=True)
class _Candidate:
    """An exam before it has a name in the output library; flair: checksum of its FLAIR as a library stores it."""

    exam: PlannedExam
    flair: str | None


def plan_exams(
    unlabeled: Path,
    out: Path,
    *,
    preprocessed: bool,
    progress: Callable[[float], None] = lambda fraction: None,
) -> list[PlannedExam]:
    """Every exam of the folder or library in order of name.

    An exam is known by the checksum of its FLAIR: under whatever name the output library holds it, it keeps that name.
    """
    if is_library(unlabeled):
        candidates = _from_library(unlabeled)
    else:
        candidates = list(_from_folders(unlabeled, preprocessed=preprocessed, progress=progress))
    if not candidates:
        raise RequestError(
            f"{unlabeled.name} holds no unlabelled exam",
            remedy="give a folder with one folder per exam, or a case library with unlabelled cases",
        )
    return _named(candidates, read_library(out) if is_library(out) else [], numbered=not is_library(unlabeled))


def check_out(out: Path, unlabeled: Path) -> None:
    """Refuse an output that is neither a case library nor a place for one; labelling a library in place is allowed."""
    if out.resolve() != unlabeled.resolve() and out.resolve().is_relative_to(unlabeled.resolve()):
        raise RequestError(
            f"{out.name} lies in the folder of the unlabelled exams and would be taken for one",
            remedy="choose an --out elsewhere",
        )
    if out.exists() and not out.is_dir():
        raise OutputExists(f"{out.name} is a file, not a folder", remedy="choose another --out")
    _check_may_be_written(out)
    # A run that was killed may have left a library whose making was only begun.
    if out.is_dir() and not is_begun(out):
        check_is_library(out)


def _check_may_be_written(out: Path) -> None:
    """Refuse before the first exam what would be refused after each of them, minutes later."""
    if out.is_dir():
        if not os.access(out, os.W_OK | os.X_OK):
            raise RequestError(
                f"{out.name} may not be written to", remedy="ask for permission, or choose another --out"
            )
    elif out.is_symlink():
        raise RequestError(
            f"{out.name} is a link to a folder that is not here", remedy="make that folder, or choose another --out"
        )
    else:
        check_can_be_made(out)


def check_one_teacher(out: Path, source_model: str) -> None:
    """Refuse a library with pseudo-labels of another model or made in another way: nobody could tell them apart later."""
    for record in read_library(out) if is_library(out) else []:
        if record.pseudo_labelled and record.source_model != source_model:
            raise RequestError(
                f"{out.name} holds pseudo-labels that were made with another model or other settings",
                remedy="repeat model and settings of that run, or choose another --out",
            )


def is_library(folder: Path) -> bool:
    """Whether the folder is a case library of ours, sound or not; other BIDS data sets are folders of exams.

    One whose making was interrupted is none yet.
    """
    if not resolve_inside(folder, DERIVATIVES / DESCRIPTION).is_file():
        return False
    if not (folder / DESCRIPTION).exists() and is_begun(folder):
        return False
    check_is_library(folder)
    return True


def _from_library(library: Path) -> list[_Candidate]:
    found = []
    for record in read_library(library):
        if record.status == "unlabelled":
            case = record.case_id
            files = {modality: resolve_inside(library, case.image(modality)) for modality in record.images}
            exam = PlannedExam(str(case), case, files, preprocessed=record.preprocessed)
            found.append(_Candidate(exam, read_flair_checksum(record)))
    return found


def _from_folders(unlabeled: Path, *, preprocessed: bool, progress: Callable[[float], None]) -> Iterator[_Candidate]:
    folders = _exam_folders(unlabeled)
    for number, folder in enumerate(folders):
        progress(number / len(folders))
        origin = folder.relative_to(unlabeled).as_posix()
        # Stands in until the exam has its number.
        exam = PlannedExam(origin, CaseId(PREFIX), None, preprocessed=preprocessed)
        try:
            files = find_exam(folder).chosen
            yield _Candidate(replace(exam, files=files), predict_stored_checksum(files[Modality.FLAIR]))
        except EnvironmentLack:
            raise  # every exam would meet it
        except MSSoftSegError as problem:
            yield _Candidate(replace(exam, problem=problem), None)


def _exam_folders(unlabeled: Path) -> list[Path]:
    """The folders that should each be an exam: those in the given folder, or their ``ses-`` folders where they have some."""
    if not unlabeled.is_dir():
        raise RequestError(f"{unlabeled.name} is not a folder", remedy="give a folder with one folder per exam")
    found: list[Path] = []
    for folder in _visible_folders(unlabeled):
        sessions = [inner for inner in _visible_folders(folder) if inner.name.startswith("ses-")]
        found += sessions or [folder]
    return found


def _visible_folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        return []  # reading it as an exam says so


def _named(candidates: list[_Candidate], records: list[CaseRecord], *, numbered: bool) -> list[PlannedExam]:
    """Names that the output library knows stay; others get the lowest free numbers in order, so that asking again agrees."""
    known = {read_flair_checksum(record): record for record in records}
    taken = {record.patient.casefold() for record in records}
    free = (f"{PREFIX}{number:03}" for number in count(1))
    free = (name for name in free if name not in taken)
    named: list[PlannedExam] = []
    first_with: dict[str, CaseId] = {}
    for candidate in candidates:
        exam, record = candidate.exam, known.get(candidate.flair or "")
        if candidate.flair in first_with:
            twin = first_with[candidate.flair or ""]
            named.append(replace(exam, case=twin, there=f"its FLAIR is that of {twin}"))
            continue
        if record is not None:
            exam = replace(exam, case=record.case_id, there=_what_is_there(record))
        elif numbered:
            exam = replace(exam, case=CaseId(next(free)))
        if candidate.flair is not None:
            first_with[candidate.flair] = exam.case
        named.append(exam)
    return named


def _what_is_there(record: CaseRecord) -> str | None:
    """Why a case of the output library is left alone; None where it waits for a label."""
    if record.status == "excluded":
        return "it is excluded in the library"
    if record.pseudo_labelled:
        return "it has its pseudo-label already"
    return "raters labelled it already" if record.is_labeled else None
