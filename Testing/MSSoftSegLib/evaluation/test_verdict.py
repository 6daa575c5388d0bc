"""The verdict on two models: harm without proof, praise only with it; its statistics computed a second way."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from MSSoftSegLib.evaluation.comparison import PairedDifference, paired_difference
from MSSoftSegLib.evaluation.verdict import PATIENTS_FOR_CERTAINTY, judge_candidate


def difference(first: list[float], second: list[float]) -> PairedDifference:
    patients = [f"p{number}" for number in range(len(first))]
    return paired_difference(first, second, patients=patients, rng=np.random.default_rng(0))


def judged(dsc: list[float], *, base: float = 0.0, f1: float = 0.0, ece: float = 0.0, old: float = 0.7):
    """dsc: change of each patient's DSC; base, f1, ece: the same change of every patient's."""
    n = len(dsc)
    held_out = {
        "dsc": difference([old] * n, [old + change for change in dsc]),
        "lesion_f1": difference([0.6] * n, [0.6 + f1] * n),
        "ece_lesion": difference([0.03] * n, [0.03 + ece] * n),
    }
    return judge_candidate(held_out, {"dsc": difference([0.9] * 4, [0.9 + base] * 4)}, patients=n)


def test_two_patients_can_find_harm_but_no_gain():
    assert judged([-0.05, 0.01]).verdict == "worse"
    found = judged([0.2, 0.3])
    assert found.verdict == "undecided"
    assert "2 patients cannot tell" in found.reason


def test_five_patients_that_all_gain_are_a_better_model_and_five_that_scatter_are_not():
    assert judged([0.02, 0.03, 0.05, 0.04, 0.02]).verdict == "better"
    assert judged([0.20, -0.09, 0.15, -0.10, 0.01]).verdict == "undecided"


def test_a_fall_within_the_tolerance_is_harm_only_where_every_patient_shares_it():
    assert judged([-0.008, 0.02, -0.03, 0.01, -0.001]).verdict == "undecided"
    found = judged([-0.008, -0.007, -0.009, -0.008, -0.006])
    assert found.verdict == "worse"
    assert "small harm but a certain one" in found.reason
    assert judged([-0.008, -0.007, -0.009, -0.008]).verdict == "undecided", "four are no certainty"


@pytest.mark.parametrize("harm", [{"base": -0.021}, {"f1": -0.06}, {"ece": 0.03}])
def test_gains_in_overlap_excuse_neither_forgetting_nor_lost_lesions_nor_lost_calibration(harm):
    gain = [0.02, 0.03, 0.05, 0.04, 0.02]
    assert judged(gain).verdict == "better"
    assert judged(gain, **harm).verdict == "worse"


def test_forgetting_within_the_tolerance_is_no_harm():
    assert judged([0.02, 0.03, 0.05, 0.04, 0.02], base=-0.019).verdict == "better"


def test_without_a_held_out_case_nothing_is_decided_but_forgetting_is_harm_all_the_same():
    assert judged([]).verdict == "undecided"
    assert "no held-out case" in judged([]).reason
    assert judged([], base=-0.1).verdict == "worse"


def test_the_interval_is_the_one_of_every_possible_resample():
    """The percentile bootstrap of five patients, over all 5^5 resamples in place of drawn ones."""
    changes = [0.02, -0.01, 0.05, 0.04, 0.01]
    found = difference([0.5] * 5, [0.5 + change for change in changes])
    every = [np.mean(drawn) for drawn in itertools.product(changes, repeat=5)]
    low, high = np.quantile(every, [0.025, 0.975])
    assert found.difference.low == pytest.approx(low, abs=0.003)
    assert found.difference.high == pytest.approx(high, abs=0.003)
    assert found.difference.mean == pytest.approx(0.022)


def test_the_signed_rank_test_is_scipys_and_a_count_of_signs():
    changes = [0.01, 0.02, 0.03, 0.04, 0.05]
    found = difference([0.5] * 5, [0.5 + change for change in changes])
    assert found.wilcoxon_p == pytest.approx(stats.wilcoxon(changes).pvalue)
    # All five rise: of 32 equally likely patterns of signs, this one and its opposite.
    assert found.wilcoxon_p == pytest.approx(2 / 32)


def test_an_equal_model_is_seldom_called_better():
    """The promise behind PATIENTS_FOR_CERTAINTY, by simulation: 200 pairs of equals with five patients each."""
    rng = np.random.default_rng(7)
    called = 0
    for _ in range(200):
        changes = rng.normal(0, 0.03, PATIENTS_FOR_CERTAINTY).tolist()
        called += judged(changes).verdict == "better"
    assert called / 200 < 0.15
