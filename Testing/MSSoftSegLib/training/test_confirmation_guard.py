"""A student that unlearned something does not replace its teacher."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.training.confirmation_guard import guard_confirmation

TEACHER = {f"case-{number}": 0.5 + 0.03 * number for number in range(12)}


def student(*changes: float) -> dict[str, float]:
    """The teacher's scores with these changes, repeated in turn."""
    return {case: score + changes[number % len(changes)] for number, (case, score) in enumerate(TEACHER.items())}


def test_a_student_that_is_better_on_every_case_is_accepted_as_a_certain_gain() -> None:
    verdict = guard_confirmation(TEACHER, student(0.02, 0.04))
    assert verdict.accept
    assert verdict.difference.mean == pytest.approx(0.03)
    assert verdict.difference.n == 12
    assert "certain gain" in verdict.reason


def test_a_student_that_is_its_teacher_is_accepted() -> None:
    assert guard_confirmation(TEACHER, dict(TEACHER), tolerance=0).accept


def test_a_fall_beyond_the_tolerance_is_refused_without_waiting_for_certainty() -> None:
    scattered = student(-0.25, 0.21)  # mean −0.02, interval far to both sides of 0
    verdict = guard_confirmation(TEACHER, scattered)
    assert not verdict.accept
    assert verdict.difference.high is not None
    assert verdict.difference.high > 0
    assert "-0.0200" in verdict.reason
    assert guard_confirmation(TEACHER, scattered, tolerance=0.03).accept


def test_a_small_fall_is_forgiven_as_scatter_but_not_when_every_case_shares_it() -> None:
    assert guard_confirmation(TEACHER, student(-0.045, 0.035)).accept  # mean −0.005
    shared = guard_confirmation(TEACHER, student(-0.004, -0.006))  # mean −0.005 too
    assert not shared.accept
    assert "certain" in shared.reason


def test_many_visits_of_one_patient_are_one_witness() -> None:
    falling = student(-0.004, -0.006)
    same_person = dict.fromkeys(TEACHER, "someone")
    verdict = guard_confirmation(TEACHER, falling, patients=same_person)
    assert verdict.difference.low is None
    assert verdict.accept
    assert "one patient" in verdict.reason


def test_two_patients_who_fall_a_little_are_scatter_and_five_are_not() -> None:
    few = dict(list(TEACHER.items())[:2])
    assert guard_confirmation(few, {case: score - 0.005 for case, score in few.items()}).accept
    enough = dict(list(TEACHER.items())[:5])
    assert not guard_confirmation(enough, {case: score - 0.005 for case, score in enough.items()}).accept


def test_a_single_case_is_judged_by_its_change_alone() -> None:
    assert not guard_confirmation({"only": 0.7}, {"only": 0.6}).accept
    assert guard_confirmation({"only": 0.7}, {"only": 0.695}).accept


def test_cases_without_a_score_are_left_out_and_nothing_to_judge_is_refused() -> None:
    first, second, *_ = TEACHER
    verdict = guard_confirmation({**TEACHER, first: None}, {**student(0.02), second: None})
    assert verdict.difference.n == 10
    assert not guard_confirmation({"empty": None}, {"empty": 0.0}).accept
    assert not guard_confirmation({}, {}).accept


def test_scores_of_other_cases_and_scores_that_are_no_number_are_no_comparison() -> None:
    with pytest.raises(RequestError, match="same cases"):
        guard_confirmation(TEACHER, {**TEACHER, "another": 0.9})
    for bad in (math.nan, math.inf):
        with pytest.raises(RequestError, match="student"):
            guard_confirmation(TEACHER, {**TEACHER, "case-3": bad})
    with pytest.raises(RequestError, match="tolerance"):
        guard_confirmation(TEACHER, TEACHER, tolerance=-0.1)


scores = st.floats(0, 1)


@settings(max_examples=60)
@given(st.lists(st.tuples(scores, scores), min_size=1, max_size=12), st.floats(0, 0.5), st.randoms())
def test_a_better_student_is_never_refused_where_a_worse_one_was_accepted_and_order_never_matters(
    pairs, gain, shuffler
) -> None:
    teacher = {str(number): pair[0] for number, pair in enumerate(pairs)}
    worse = {str(number): pair[1] for number, pair in enumerate(pairs)}
    better = {case: score + gain + 1e-9 for case, score in worse.items()}
    verdict = guard_confirmation(teacher, worse)
    assert guard_confirmation(teacher, better).accept >= verdict.accept
    order = list(teacher)
    shuffler.shuffle(order)
    shuffled = guard_confirmation(teacher, {case: worse[case] for case in order})
    assert shuffled == verdict
    assert verdict.difference.mean == pytest.approx(np.mean([after - before for before, after in pairs]))
