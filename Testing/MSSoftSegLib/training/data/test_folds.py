"""Folds: nobody is judged on a person that the model was trained on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.training.data.folds import draw_folds, hold_out
from MSSoftSegLib.training.data.prepared_case import PreparedCase

seeds = st.integers(0, 10**6)


def a_case(number, patient, load_ml, *, pseudo=False):
    raters = () if pseudo else ("anna",)
    return PreparedCase(f"c{number}", patient, Path(), (16, 16, 16), 1.0, 1.0, load_ml, load_ml, pseudo, raters)


@st.composite
def cohorts(draw, *, at_least=2):
    """Visits of patients, some of them pseudo-labelled, in any order; at least so many patients have a rater's mask."""
    patients = draw(st.integers(at_least, 12))
    cases = []
    for patient in range(patients):
        for visit in range(draw(st.integers(1, 3))):
            load = draw(st.sampled_from([0.0, 1.0, 5.0]) | st.floats(0, 60))
            pseudo = visit > 0 and draw(st.booleans())
            cases.append(a_case(len(cases), f"p{patient}", load, pseudo=pseudo))
    for _ in range(draw(st.integers(0, 3))):
        cases.append(a_case(len(cases), f"unread{len(cases)}", 2.0, pseudo=True))
    return draw(st.permutations(cases))


def people(cases):
    return {case.patient for case in cases}


@settings(max_examples=40)
@given(cases=cohorts(at_least=4), folds=st.integers(2, 4), seed=seeds)
def test_every_rated_case_is_validated_on_once_and_never_beside_training_on_the_same_person(cases, folds, seed):
    found = draw_folds(cases, folds, seed)
    assert len(found) == folds
    validated = Counter(case.case for fold in found for case in fold.validation)
    assert validated == Counter(case.case for case in cases if not case.is_pseudo_labelled)
    for fold in found:
        assert not people(fold.training) & people(fold.validation)
        assert fold.validation
        expected = {case.case for case in cases if case.patient not in people(fold.validation)}
        assert {case.case for case in fold.training} == expected
        assert not any(case.is_pseudo_labelled for case in fold.validation)


@settings(max_examples=40)
@given(cases=cohorts(at_least=4), folds=st.integers(2, 4), seed=seeds)
def test_folds_are_balanced_in_patients_and_in_load(cases, folds, seed):
    loads = {}
    for case in cases:
        if not case.is_pseudo_labelled:
            loads.setdefault(case.patient, []).append(case.soft_volume_ml)
    mean = {patient: float(np.mean(values)) for patient, values in loads.items()}
    found = [people(fold.validation) for fold in draw_folds(cases, folds, seed)]
    counts = [len(patients) for patients in found]
    assert max(counts) - min(counts) <= 1
    totals = [sum(mean[patient] for patient in patients) for patients in found]
    assert max(totals) - min(totals) <= max(mean.values()) + 1e-9


@settings(max_examples=40)
@given(cases=cohorts(at_least=4), folds=st.integers(2, 4), seed=seeds, order=st.randoms())
def test_folds_follow_from_the_seed_and_not_from_the_order_of_cases(cases, folds, seed, order):
    shuffled = list(cases)
    order.shuffle(shuffled)
    first, second = draw_folds(cases, folds, seed), draw_folds(shuffled, folds, seed)
    assert [people(fold.validation) for fold in first] == [people(fold.validation) for fold in second]


def test_another_seed_draws_other_folds():
    cases = [a_case(i, f"p{i}", float(i)) for i in range(12)]
    drawn = {frozenset(people(draw_folds(cases, 3, seed)[0].validation)) for seed in range(20)}
    assert len(drawn) > 10
    assert len({frozenset(people(hold_out(cases, 0.25, seed).validation)) for seed in range(20)}) > 5


@settings(max_examples=40)
@given(cases=cohorts(at_least=4), share=st.floats(0.01, 0.6), seed=seeds)
def test_a_hold_out_takes_about_its_share_of_patients_at_least_one(cases, share, seed):
    rated = people(case for case in cases if not case.is_pseudo_labelled)
    fold = hold_out(cases, share, seed)
    assert len(people(fold.validation)) == max(1, round(share * len(rated)))
    assert not people(fold.training) & people(fold.validation)
    assert not any(case.is_pseudo_labelled for case in fold.validation)
    assert any(not case.is_pseudo_labelled for case in fold.training)


def test_a_hold_out_spans_the_loads():
    """Of twelve patients sorted by load, a quarter is one of each third."""
    cases = [a_case(i, f"p{i:02}", float(i)) for i in range(12)]
    for seed in range(30):
        held = sorted(int(case.patient[1:]) // 4 for case in hold_out(cases, 0.25, seed).validation)
        assert held == [0, 1, 2]


def test_with_share_zero_everybody_trains():
    cases = [a_case(0, "p", 1.0), a_case(1, "q", 1.0, pseudo=True)]
    fold = hold_out(cases, 0.0, 1)
    assert (fold.training, fold.validation) == (tuple(cases), ())


def test_too_few_patients_are_refused_even_when_their_visits_are_many():
    cases = [a_case(i, f"p{i % 2}", 1.0) for i in range(8)] + [a_case(9, "q", 1.0, pseudo=True)]
    with pytest.raises(RequestError, match="2 patients"):
        draw_folds(cases, 3, 1)
    with pytest.raises(RequestError, match="folds"):
        draw_folds(cases, 1, 1)
    with pytest.raises(RequestError, match="1 patient with"):
        hold_out(cases[::2][:4], 0.2, 1)
    with pytest.raises(RequestError):
        hold_out(cases, 1.0, 1)
    assert len(draw_folds(cases, 2, 1)) == 2
