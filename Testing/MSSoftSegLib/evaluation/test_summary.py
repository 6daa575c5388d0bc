"""Means with n and interval, over patients; several raters; paired comparisons."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from MSSoftSegLib.evaluation.bootstrap import mean_with_interval
from MSSoftSegLib.evaluation.case_metrics import MEASURES, measure_case
from MSSoftSegLib.evaluation.comparison import paired_difference
from MSSoftSegLib.evaluation.isbi import isbi_equivalent, isbi_s
from MSSoftSegLib.evaluation.summary import MeasuredCase, summarize
from Testing.MSSoftSegLib.evaluation.made_up_cases import SPACING_MM, made_up_case

numbers = st.lists(st.one_of(st.none(), st.floats(-10, 10)), min_size=1, max_size=15)


def seeded():
    return np.random.default_rng(7)


@settings(max_examples=40)
@given(values=numbers)
def test_undefined_values_are_left_out_of_mean_and_n_and_the_interval_holds_the_mean(values):
    found = mean_with_interval(values, rng=seeded(), resamples=200)
    defined = [value for value in values if value is not None]
    assert found.n == len(defined)
    if not defined:
        assert found.mean is None
        return
    assert found.mean == pytest.approx(np.mean(defined))
    if len(defined) < 2:
        assert (found.low, found.high) == (None, None)
    else:
        assert min(defined) - 1e-9 <= found.low <= found.high <= max(defined) + 1e-9


def test_the_interval_agrees_with_scipy():
    values = seeded().gamma(2.0, 1.0, 40)
    ours = mean_with_interval(list(values), rng=seeded(), resamples=8000)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=8000, rng=seeded())
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.03)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.03)


def test_the_same_seed_gives_the_same_interval_and_another_one_another():
    values = list(seeded().normal(size=12))
    first, second, other = (mean_with_interval(values, rng=np.random.default_rng(s)) for s in (3, 3, 4))
    assert first == second
    assert first != other


def test_visits_of_one_patient_are_drawn_together():
    # Five patients whose visits are copies: the interval must be as wide as that of five values, not of fifty.
    values = list(seeded().normal(size=5))
    patients = [patient for patient in "abcde" for _ in range(10)]
    copied = [value for value in values for _ in range(10)]
    alone = mean_with_interval(values, rng=seeded())
    by_patient = mean_with_interval(copied, patients=patients, rng=seeded())
    by_visit = mean_with_interval(copied, rng=seeded())
    assert (by_patient.low, by_patient.high) == (pytest.approx(alone.low), pytest.approx(alone.high))
    assert by_patient.n == 50
    assert by_visit.high - by_visit.low < 0.5 * (by_patient.high - by_patient.low)


def test_a_patient_with_many_visits_weighs_by_them_in_every_resample():
    # Resamples of a patient with nine visits at 0 and one with a single visit at 1: all 0, one in ten, all 1.
    found = mean_with_interval([0.0] * 9 + [1.0], patients=["a"] * 9 + ["b"], rng=seeded())
    assert (found.mean, found.low, found.high) == (pytest.approx(0.1), 0.0, 1.0)


def test_one_patient_gives_a_mean_and_no_interval():
    found = mean_with_interval([0.2, 0.4], patients=["p", "p"], rng=seeded())
    assert (found.mean, found.n, found.low) == (pytest.approx(0.3), 2, None)


@pytest.fixture(scope="module")
def measured():
    """Four visits of three patients; the second rater saw only the first three."""
    cases = []
    for seed, patient in enumerate(["a", "a", "b", "c"]):
        case = made_up_case(seed)
        truths = [case.truth, np.roll(case.truth, 1, axis=2)] if seed < 3 else [case.truth]
        raters = tuple(measure_case(truth, *case.arrays[1:], SPACING_MM) for truth in truths)
        cases.append(MeasuredCase(f"visit{seed}", patient, raters))
    return cases


def test_a_cases_value_is_the_mean_over_its_raters(measured):
    both = measured[0]
    assert both.raters[0].dsc != both.raters[1].dsc
    assert both.values["dsc"] == pytest.approx((both.raters[0].dsc + both.raters[1].dsc) / 2)
    assert measured[3].values["dsc"] == measured[3].raters[0].dsc


def test_the_summary_averages_the_score_and_the_volume_correlation_over_raters(measured):
    summary = summarize(measured, seed=0)
    assert (summary.cases, summary.patients) == (4, 3)
    assert [rater.cases for rater in summary.raters] == [4, 3]
    scores, correlations = [], []
    for place in (0, 1):
        seen = [case.raters[place] for case in measured if place < len(case.raters)]
        vc = stats.pearsonr([m.truth_volume_ml for m in seen], [m.predicted_volume_ml for m in seen]).statistic
        means = {name: np.mean([getattr(m, name) for m in seen]) for name in ("dsc", "ppv", "lfpr", "ltpr")}
        scores.append(isbi_s(vc=float(vc), **means))
        correlations.append(vc)
    assert summary.vc == pytest.approx(np.mean(correlations))
    assert summary.isbi_equivalent == pytest.approx(isbi_equivalent(scores))
    assert set(summary.means) == set(MEASURES)
    assert summary.means["dsc"].n == 4


def test_one_case_has_means_but_neither_volume_correlation_nor_score(measured):
    summary = summarize(measured[:1], seed=0)
    assert summary.means["dsc"].mean == pytest.approx(measured[0].values["dsc"])
    assert summary.means["dsc"].low is None
    assert (summary.vc, summary.isbi_equivalent) == (None, None)


def exact_signed_rank_p(differences):
    """Two-sided: share of all sign patterns whose rank sum is at least as far from its mean as the one that was seen."""
    ranks = stats.rankdata(np.abs(differences))
    center = ranks.sum() / 2
    seen = abs(ranks[np.array(differences) > 0].sum() - center)
    sums = [sum(itertools.compress(ranks, signs)) for signs in itertools.product((0, 1), repeat=len(ranks))]
    return float(np.mean([abs(value - center) >= seen - 1e-9 for value in sums]))


def test_paired_differences_of_a_hand_worked_series():
    first = [0.50, 0.60, 0.70, None, 0.40, 0.80]
    second = [0.55, 0.58, 0.80, 0.90, 0.55, None]
    found = paired_difference(first, second, patients=list("abcdef"), rng=seeded())
    assert found.n == 4
    assert found.difference.mean == pytest.approx((0.05 - 0.02 + 0.10 + 0.15) / 4)
    assert found.difference.low <= found.difference.mean <= found.difference.high
    assert (found.first_mean, found.second_mean) == (pytest.approx(0.55), pytest.approx(0.62))
    assert found.wilcoxon_p == pytest.approx(exact_signed_rank_p([0.05, -0.02, 0.10, 0.15]))


def test_many_visits_of_one_patient_do_not_make_a_difference_significant():
    second = [0.1 + 0.01 * visit for visit in range(12)]
    as_patients = paired_difference([0.0] * 12, second, patients=[str(v) for v in range(12)], rng=seeded())
    as_one = paired_difference([0.0] * 12, second, patients=["p"] * 12, rng=seeded())
    assert as_patients.wilcoxon_p < 0.001
    assert as_one.wilcoxon_p == pytest.approx(1.0)
    assert as_one.difference.low is None


def test_equal_methods_have_no_difference_and_no_p():
    found = paired_difference([0.5, 0.6], [0.5, 0.6], patients=["a", "b"], rng=seeded())
    assert (found.difference.mean, found.wilcoxon_p) == (0.0, None)
    assert paired_difference([None], [0.3], patients=["a"], rng=seeded()).n == 0
