"""Files of the chosen cases that are damaged, and exams that are here under two names; as far as a few seconds reach."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.jobs.preflight.case_checks import describe_count, list_names
from MSSoftSegLib.jobs.preflight.finding import PreflightFinding, make_finding
from MSSoftSegLib.library.case_record import CaseRecord
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.library.layout import resolve_inside
from MSSoftSegLib.library.reading import find_file_problem, read_library
from MSSoftSegLib.library.same_exam import SeenExams, sort_labeled_first
from MSSoftSegLib.library.training_cases import is_datalist

LONGEST_S = 3.0
Clock = Callable[[], float]


def find_damage(library: Path, cases: Sequence[LabeledCase], *, longest_s: float = LONGEST_S) -> list[PreflightFinding]:
    """Files that are not what the library's records say, for as many cases as there is time."""
    if is_datalist(library):
        return []
    try:
        chosen = {case.case for case in cases}
        records = [record for record in read_library(library) if str(record.case_id) in chosen]
    except MSSoftSegError as problem:
        return [make_finding(problem)]
    end_s = time.monotonic() + longest_s
    damaged: list[str] = []
    for looked_at, record in enumerate(records):
        if time.monotonic() > end_s:
            return [*_damage(damaged), _not_all(looked_at, len(records), "checksums", "mssoftseg library check")]
        damaged += _damaged_files(library, record)
    return _damage(damaged)


def _damaged_files(library: Path, record: CaseRecord) -> list[str]:
    found = (
        (name, find_file_problem(resolve_inside(library, name), record.checksums[str(name)])) for name in record.files
    )
    return [f"{name.name} {problem}" for name, problem in found if problem]


def _damage(damaged: Sequence[str]) -> list[PreflightFinding]:
    if not damaged:
        return []
    return [PreflightFinding("error", f"{list_names(damaged)}", "restore from a backup, or exclude the cases")]


def find_same_exams(cases: Sequence[LabeledCase], *, longest_s: float = LONGEST_S) -> list[PreflightFinding]:
    """One exam under the names of two patients, or with a label and a pseudo-label: it would train and judge."""
    end_s = time.monotonic() + longest_s
    seen = SeenExams()
    findings: list[PreflightFinding] = []
    ordered = sort_labeled_first(cases)
    for looked_at, case in enumerate(ordered):
        if time.monotonic() > end_s:
            return [*findings, _not_all(looked_at, len(ordered), "images that are there twice", "the training itself")]
        try:
            first = seen.same_as(case)
        except MSSoftSegError as problem:
            findings.append(make_finding(problem))
            continue
        if first is not None:
            message = f"{first.case} and {case.case} are the same image under two names"
            findings.append(PreflightFinding("error", message, "exclude one of them, or give both the same patient"))
    return findings


def _not_all(looked_at: int, of: int, what: str, who: str) -> PreflightFinding:
    return PreflightFinding(
        "note", f"{describe_count(looked_at, 'case')} of {of} were looked at for {what}; {who} looks at all"
    )
