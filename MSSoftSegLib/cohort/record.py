"""What is kept of one exam beside its result: what it was computed from; and of one that failed, why."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from MSSoftSegLib.cohort.places import RECORD_FILE, name_exam_folder, name_failure_file, write_whole
from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.frozen_model import FrozenModel
from MSSoftSegLib.library.layout import CaseId


class ExamRecord(FrozenModel):
    """``cohort_exam.json``. fingerprint: of inputs, model and settings; seconds: from the first byte read to the last written."""

    participant: str
    session: str | None
    fingerprint: str
    seconds: float


class ExamFailure(FrozenModel):
    """Why an exam has no result; attempts: how often it was tried."""

    participant: str
    session: str | None
    code: str
    message: str
    remedy: str
    attempts: int


def is_complete(out: Path, case: CaseId, fingerprint: str) -> bool:
    """Whether the exam's result is there and was computed from the same."""
    found = read_record(name_exam_folder(out, case) / RECORD_FILE)
    return found is not None and found.fingerprint == fingerprint


def read_record(path: Path) -> ExamRecord | None:
    """The record, None where there is none that holds."""
    try:
        return ExamRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def write_failure(out: Path, case: CaseId, problem: MSSoftSegError, *, attempts: int) -> None:
    """Note why an exam has no result."""
    failure = ExamFailure(
        participant=case.patient,
        session=case.session,
        code=problem.code,
        message=problem.message,
        remedy=problem.remedy,
        attempts=attempts,
    )
    write_whole(name_failure_file(out, case), failure.model_dump_json(indent=2) + "\n")


def forget_failure(out: Path, case: CaseId) -> None:
    """The exam has a result now."""
    name_failure_file(out, case).unlink(missing_ok=True)


def read_failures(out: Path) -> tuple[ExamFailure, ...]:
    """All exams that failed last time, in order of name."""
    found = []
    for path in sorted(name_failure_file(out, CaseId("0")).parent.glob("*.json")):
        try:
            found.append(ExamFailure.model_validate_json(path.read_bytes()))
        except (OSError, ValidationError):
            continue
    return tuple(found)
