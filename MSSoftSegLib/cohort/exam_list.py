"""The exams of a cohort, wherever they come from; one that cannot be used is listed with its problem and stops no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from MSSoftSegLib.errors import BadExam, MSSoftSegError, RequestError
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.layout import CaseId


@dataclass(frozen=True)
class CohortExam:
    """One visit of one participant: an exam folder, or single files by modality.

    problem: why it cannot be segmented, found while the data set was read; None where nothing was.
    """

    case: CaseId
    folder: Path | None = None
    files: tuple[tuple[Modality, Path], ...] = ()
    problem: MSSoftSegError | None = None

    def __str__(self) -> str:
        return str(self.case)


def sort_exams(exams: Iterable[CohortExam]) -> tuple[CohortExam, ...]:
    """By name; RequestError where two exams would share a folder, also on disks without capitals, or one lie in the other's."""
    ordered = tuple(sorted(exams, key=str))
    seen: dict[str, str] = {}
    for exam in ordered:
        name = str(exam)
        if name.casefold() in seen:
            raise RequestError(
                f"two exams are called {name}"
                if seen[name.casefold()] == name
                else f"{name} and {seen[name.casefold()]} differ in capitals only",
                remedy="give each exam a name of its own",
            )
        seen[name.casefold()] = name
    return tuple(_told_apart(ordered))


def _told_apart(exams: Sequence[CohortExam]) -> Iterator[CohortExam]:
    """The exams; those of a participant with and without session have a problem: one's folder would hold the other's."""
    alone = {exam.case.patient for exam in exams if exam.case.session is None}
    both = alone & {exam.case.patient for exam in exams if exam.case.session is not None}
    for exam in exams:
        if exam.case.patient in both and exam.problem is None:
            problem = BadExam(
                f"sub-{exam.case.patient} has exams both with and without a session", remedy="give each one a session"
            )
            exam = dataclasses.replace(exam, problem=problem)
        yield exam


def choose_exams(
    exams: Sequence[CohortExam], *, participants: Sequence[str] = (), sessions: Sequence[str] = ()
) -> tuple[CohortExam, ...]:
    """Those of the named participants and sessions, with or without prefix; RequestError names one that has no exam."""
    wanted = {name.removeprefix("sub-") for name in participants}
    visits = {name.removeprefix("ses-") for name in sessions}
    for prefix, names, there in (
        ("sub-", wanted, {exam.case.patient for exam in exams}),
        ("ses-", visits, {exam.case.session for exam in exams}),
    ):
        if missing := sorted(names - there):
            raise RequestError(
                f"there is no {prefix}{missing[0]}", remedy="give labels as the folders have them, without the prefix"
            )
    return tuple(
        exam
        for exam in exams
        if (not wanted or exam.case.patient in wanted) and (not visits or exam.case.session in visits)
    )


def select_part(exams: Sequence[CohortExam], part: int, parts: int) -> tuple[CohortExam, ...]:
    """Every parts-th exam from the part-th on (1 is the first): the same split on every machine of a job array."""
    if not 1 <= part <= parts:
        raise RequestError(f"there is no part {part} of {parts}", remedy="count parts from 1, as in --part 1/20")
    return tuple(exams[part - 1 :: parts])
