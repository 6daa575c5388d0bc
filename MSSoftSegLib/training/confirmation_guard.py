"""May a student trained on a teacher's own pseudo-labels replace the teacher?

A student learns the teacher's mistakes together with its successes and grows surer of both (confirmation bias). What its
training loss says about that is worthless, for it is measured on the same mistakes; raters' labels on cases that neither
was trained on tell. The scores given here must be of such cases.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.evaluation.bootstrap import MeanWithInterval, mean_with_interval
from MSSoftSegLib.evaluation.verdict import PATIENTS_FOR_CERTAINTY

# The answer must not depend on luck: the same scores always get the same verdict.
SEED = 20240817


@dataclass(frozen=True)
class GuardVerdict:
    """Whether the student is accepted, and why in words.

    difference: mean of student − teacher over the cases in which both have a score, its n and its bootstrap 95 % interval.
    """

    accept: bool
    reason: str
    difference: MeanWithInterval


def guard_confirmation(
    teacher: Mapping[str, float | None],
    student: Mapping[str, float | None],
    *,
    tolerance: float = 0.01,
    patients: Mapping[str, str] | None = None,
) -> GuardVerdict:
    """Compare scores (higher is better, DSC for one) of the same cases; None where a score is not defined.

    Refused: a mean that falls by more than ``tolerance``, and a smaller fall whose whole 95 % interval lies below 0. The
    first rule asks for no certainty: on the few cases that validation has, waiting for proof of harm would let nearly all
    harm pass. The tolerance is there because two trainings that differ in nothing but their seed score differently too: at
    0, a student as good as its teacher would be refused every other time. 0.01 (of DSC) is our choice. It is no right to be
    worse: a small fall that all patients share is no scatter, hence the second rule. No gain is asked for.
    patients: whose each case is (default: one patient a case), so that visits of one patient count as one witness.
    """
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise RequestError(f"a tolerance of {tolerance} makes no sense", remedy="give 0 or a little more, 0.01 for one")
    _check_comparable(teacher, student, patients)
    changes = _changes(teacher, student)
    owners = [case if patients is None else patients[case] for case in changes]
    difference = mean_with_interval(list(changes.values()), rng=np.random.default_rng(SEED), patients=owners)
    mean = difference.mean
    if mean is None:
        return GuardVerdict(False, "refused: no case has a score of both teacher and student", difference)
    words = _in_words(difference)
    if mean < -tolerance:
        return GuardVerdict(False, f"refused: {words}, more than the tolerated fall of {tolerance:g}", difference)
    certain = len(set(owners)) >= PATIENTS_FOR_CERTAINTY
    if certain and difference.high is not None and difference.high < 0:
        return GuardVerdict(False, f"refused: {words}, a small fall but a certain one", difference)
    gain = certain and difference.low is not None and difference.low > 0
    return GuardVerdict(True, f"accepted: {words}, {'a certain gain' if gain else 'no certain change'}", difference)


def _changes(teacher: Mapping[str, float | None], student: Mapping[str, float | None]) -> dict[str, float]:
    """student − teacher by case, in order of name, where both have a score."""
    pairs = {case: (student[case], teacher[case]) for case in sorted(teacher)}
    return {case: new - old for case, (new, old) in pairs.items() if new is not None and old is not None}


def _check_comparable(
    teacher: Mapping[str, float | None], student: Mapping[str, float | None], patients: Mapping[str, str] | None
) -> None:
    if teacher.keys() != student.keys():
        raise RequestError(
            f"teacher and student were not scored on the same cases ({len(teacher.keys() ^ student.keys())} have one "
            "score only)",
            remedy="score both on the same validation cases",
        )
    # A score that is no number compares as neither better nor worse: it would pass every test below.
    for name, scores in (("teacher", teacher), ("student", student)):
        if not all(score is None or math.isfinite(score) for score in scores.values()):
            raise RequestError(
                f"a score of the {name} is not a finite number", remedy="check that its training converged"
            )
    if patients is not None and not patients.keys() >= teacher.keys():
        raise RequestError("it is not known whose every case is", remedy="name the patient of each, or of none")


def _in_words(difference: MeanWithInterval) -> str:
    cases = f"{difference.n} case" + ("s" if difference.n != 1 else "")
    interval = "no interval: one patient"
    if difference.low is not None and difference.high is not None:
        interval = f"95 % interval {difference.low:+.4f} to {difference.high:+.4f}"
    return f"the validation score changed by {difference.mean:+.4f} over {cases} ({interval})"
