"""What changed between a participant's visits: each result is compared with the one before it, in order of session.

Needs the working images of both (``--keep-working``). A comparison is made again where a result was.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from MSSoftSegLib.cohort.places import (
    CHANGE_FOLDER,
    CHANGE_RECORD,
    RECORD_FILE,
    RESULT_FOLDER,
    name_exam_folder,
    write_whole,
)
from MSSoftSegLib.cohort.record import read_record
from MSSoftSegLib.cohort.segmentation import silence_logs
from MSSoftSegLib.errors import JobCancelled, make_user_error
from MSSoftSegLib.frozen_model import FrozenModel
from MSSoftSegLib.library.layout import CaseId
from MSSoftSegLib.result_files import CHANGE_FILE, WORKING_FOLDER

# Compares the results in the first two folders and writes the third.
Compare = Callable[[Path, Path, Path], None]


@dataclass(frozen=True)
class VisitPair:
    """Two neighboring visits of one participant."""

    before: CaseId
    after: CaseId

    def __str__(self) -> str:
        return f"{self.before} → ses-{self.after.session}"

    def folder(self, out: Path) -> Path:
        """Where the comparison lies: with the later visit."""
        return name_exam_folder(out, self.after) / CHANGE_FOLDER


class ChangeRecord(FrozenModel):
    """``cohort_change.json``: the earlier session, the fingerprints of both results, and why they could not be compared."""

    before: str
    fingerprints: tuple[str, str]
    problem: str = ""


@dataclass(frozen=True)
class ComparedPair:
    """How one comparison ended; absent: a result or its working images are not there."""

    pair: VisitPair
    state: Literal["done", "kept", "absent", "failed"]
    problem: str = ""


def pair_visits(cases: Iterable[CaseId]) -> tuple[VisitPair, ...]:
    """Neighboring sessions of each participant; ``2`` comes before ``10``."""
    ordered = sorted((case for case in cases if case.session), key=lambda case: (case.patient, _natural(case.session)))
    return tuple(
        VisitPair(before, after) for before, after in itertools.pairwise(ordered) if before.patient == after.patient
    )


def compare_neighbors(
    out: Path, cases: Iterable[CaseId], chosen: Collection[CaseId], compare: Compare | None = None
) -> Iterator[ComparedPair]:
    """Compare what is not compared yet, pair by pair; one that cannot be compared stops no other.

    cases: all visits that there are, so that none is passed over; chosen: of the pairs, those whose later visit is among them.
    """
    for pair in pair_visits(cases):
        if pair.after in chosen:
            yield _compared(out, pair, compare or compare_results)


def read_compared(out: Path, pair: VisitPair) -> ComparedPair:
    """How a pair stands in the output folder."""
    marks = _fingerprints(out, pair)
    if marks is None:
        return ComparedPair(pair, "absent", "a visit has no result")
    record = _read(out, pair)
    if record is not None and (record.before, record.fingerprints) == (pair.before.session, marks):
        if record.problem:
            return ComparedPair(pair, "failed", record.problem)
        if (pair.folder(out) / CHANGE_FILE).is_file():
            return ComparedPair(pair, "kept")
    results = [name_exam_folder(out, case) / RESULT_FOLDER for case in (pair.before, pair.after)]
    if all((result / WORKING_FOLDER).is_dir() for result in results):
        return ComparedPair(pair, "absent", "not compared yet")
    problem = "a visit was segmented without --keep-working: delete its folder and run again with it"
    return ComparedPair(pair, "absent", problem)


def compare_results(before: Path, after: Path, target: Path) -> None:
    """The job ``change`` of two finished results."""
    # It brings registration with it, which a cohort without visits never needs.
    from MSSoftSegLib.jobs.change.change import run_change
    from MSSoftSegLib.jobs.documents.change import ChangeJob, ChangeSpec

    spec = ChangeSpec(visits=(before, after), out=target, overwrite=True)
    with silence_logs():
        run_change(ChangeJob(job="visits", kind="change", spec=spec), lambda event: None, lambda: False)


def _compared(out: Path, pair: VisitPair, compare: Compare) -> ComparedPair:
    found = read_compared(out, pair)
    marks = _fingerprints(out, pair)
    results = [name_exam_folder(out, case) / RESULT_FOLDER for case in (pair.before, pair.after)]
    if found.state == "kept" or marks is None or not all((each / WORKING_FOLDER).is_dir() for each in results):
        return found
    problem = ""
    try:
        compare(results[0], results[1], pair.folder(out))
    except (JobCancelled, KeyboardInterrupt):
        raise JobCancelled from None
    except Exception as error:
        problem = str(make_user_error(error))
    record = ChangeRecord(before=str(pair.before.session), fingerprints=marks, problem=problem)
    write_whole(name_exam_folder(out, pair.after) / CHANGE_RECORD, record.model_dump_json(indent=2) + "\n")
    return ComparedPair(pair, "failed" if problem else "done", problem)


def _fingerprints(out: Path, pair: VisitPair) -> tuple[str, str] | None:
    before, after = (read_record(name_exam_folder(out, case) / RECORD_FILE) for case in (pair.before, pair.after))
    return None if before is None or after is None else (before.fingerprint, after.fingerprint)


def _read(out: Path, pair: VisitPair) -> ChangeRecord | None:
    try:
        return ChangeRecord.model_validate_json((name_exam_folder(out, pair.after) / CHANGE_RECORD).read_bytes())
    except (OSError, ValidationError):
        return None


def _natural(session: str | None) -> list[tuple[int, str]]:
    """Numbers as numbers: a key for sorting."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", session or "") if part]
