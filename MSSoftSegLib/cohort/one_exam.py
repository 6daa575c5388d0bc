"""One exam of a cohort: skipped where its result is complete, tried twice, and written whole or not at all.

What computes the result is an argument, so that the engines can be tried with something that takes milliseconds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from MSSoftSegLib.cohort.exam_list import CohortExam
from MSSoftSegLib.cohort.fingerprint import choose_files, fingerprint
from MSSoftSegLib.cohort.places import RECORD_FILE, name_exam_folder
from MSSoftSegLib.cohort.record import ExamRecord, forget_failure, is_complete, write_failure
from MSSoftSegLib.cohort.settings import CohortSettings
from MSSoftSegLib.errors import JobCancelled, MSSoftSegError, make_user_error
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.result_folder import write_completely

MOST_ATTEMPTS = 2
# Writes an exam's files into the folder that it is given.
Compute = Callable[[CohortExam, Mapping[Modality, Path], CohortSettings, Path], None]


@dataclass(frozen=True)
class CohortRun:
    """What every worker needs to know. compute: a function of a module, so that another process can import it.

    debug: show tracebacks on stderr.
    """

    out: Path
    settings: CohortSettings
    compute: Compute
    debug: bool = False


@dataclass(frozen=True)
class ExamOutcome:
    """How one exam ended: computed now, kept as it was, or failed. seconds: of this call."""

    name: str
    state: Literal["done", "kept", "failed"]
    seconds: float
    problem: str = ""


def process_exam(exam: CohortExam, run: CohortRun) -> ExamOutcome:
    """Segment one exam unless its result is complete; a failure is tried once more, then noted. Raises JobCancelled alone."""
    started = time.monotonic()
    for attempt in range(1, MOST_ATTEMPTS + 1):
        try:
            state = _attempt(exam, run)
        except (JobCancelled, KeyboardInterrupt):
            raise JobCancelled from None
        except Exception as problem:
            error = make_user_error(problem)
            if run.debug:
                logging.getLogger("mssoftseg.debug").exception("traceback of %s", exam)
            # What the data set itself says does not change by trying again.
            if attempt < MOST_ATTEMPTS and exam.problem is None:
                continue
            return note_failure(exam, run, error, attempts=attempt, seconds=time.monotonic() - started)
        forget_failure(run.out, exam.case)
        return ExamOutcome(str(exam), state, time.monotonic() - started)
    raise AssertionError("the loop above returns")


def note_failure(
    exam: CohortExam, run: CohortRun, error: MSSoftSegError, *, attempts: int, seconds: float = 0.0
) -> ExamOutcome:
    """Note the failure."""
    write_failure(run.out, exam.case, error, attempts=attempts)
    return ExamOutcome(str(exam), "failed", seconds, str(error))


def _attempt(exam: CohortExam, run: CohortRun) -> Literal["done", "kept"]:
    if exam.problem is not None:
        raise exam.problem
    started = time.monotonic()
    files = choose_files(exam)
    mark = fingerprint(files, run.settings)
    if is_complete(run.out, exam.case, mark):
        return "kept"
    with write_completely(name_exam_folder(run.out, exam.case), overwrite=True) as folder:
        run.compute(exam, files, run.settings, folder)
        record = ExamRecord(
            participant=exam.case.patient,
            session=exam.case.session,
            fingerprint=mark,
            seconds=round(time.monotonic() - started, 3),
        )
        (folder / RECORD_FILE).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return "done"
