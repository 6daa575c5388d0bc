"""Uncertainty against errors: retention against a voxel-by-voxel reading, AUROC against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.integrate import trapezoid
from sklearn.metrics import roc_auc_score

from MSSoftSegLib.evaluation.error_detection import error_auroc
from MSSoftSegLib.evaluation.overlap import dice
from MSSoftSegLib.evaluation.retention import RETAINED_FRACTIONS, retention_curve
from Testing.MSSoftSegLib.evaluation.made_up_cases import made_up_case

masks = npst.arrays(np.uint8, 40, elements=st.integers(0, 1))
# Few distinct values: ties are the rule, as they are in a brain.
doubts = npst.arrays(np.float32, 40, elements=st.integers(0, 4).map(lambda n: n / 8))


@settings(max_examples=80)
@given(doubt=doubts, truth=masks, prediction=masks)
def test_the_auroc_agrees_with_scikit_learn(doubt, truth, prediction):
    wrong = truth != prediction
    ours = error_auroc(doubt, truth, prediction)
    if wrong.all() or not wrong.any():
        assert ours is None
    else:
        assert ours == pytest.approx(roc_auc_score(wrong, doubt))


def test_the_auroc_of_a_hand_worked_order():
    doubt = np.array([0.1, 0.2, 0.3, 0.4])
    wrong_at = np.array([0, 1, 0, 1])  # pairs wrong > right: (0.2 > 0.1), (0.4 > 0.1), (0.4 > 0.3) of 4
    assert error_auroc(doubt, wrong_at, np.zeros(4)) == pytest.approx(3 / 4)
    assert error_auroc(-doubt, wrong_at, np.zeros(4)) == pytest.approx(1 / 4)


def read_voxel_by_voxel(doubt, truth, prediction, kept):
    """DSC when this many of the most certain voxels keep their prediction, the last one in part; no two equally certain."""
    false_positive = false_negative = 0.0
    for place, voxel in enumerate(np.argsort(doubt)):
        share = min(1.0, max(0.0, kept - place))
        false_positive += share * (prediction[voxel] and not truth[voxel])
        false_negative += share * (truth[voxel] and not prediction[voxel])
    true_positive = truth.sum() - false_negative
    return 2 * true_positive / (2 * true_positive + false_positive + false_negative)


@settings(max_examples=25)
@given(order=st.permutations(range(40)), truth=masks.filter(np.any), prediction=masks)
def test_the_curve_is_what_a_reader_who_mends_voxel_by_voxel_finds(order, truth, prediction):
    doubt = np.array(order, dtype=np.float32)
    curve = retention_curve(doubt, truth, prediction)
    for fraction, found in zip(curve.fraction[::7], curve.dsc[::7], strict=True):
        assert found == pytest.approx(read_voxel_by_voxel(doubt, truth, prediction, 40 * fraction))
    assert curve.dsc[0] == 1.0
    assert curve.dsc[-1] == pytest.approx(dice(truth, prediction) or 0.0)
    assert curve.r_aac == pytest.approx(1 - trapezoid(curve.dsc, curve.fraction))


def test_the_curve_of_a_hand_worked_order():
    truth, prediction = np.array([1, 1, 0, 0]), np.array([1, 0, 1, 0])
    doubt = np.array([0.0, 0.9, 0.8, 0.1])  # the two errors are the least certain
    curve = retention_curve(doubt, truth, prediction)
    # Up to half: all right. With three quarters the false positive is kept: 2·2/(4 + 1). With all: 2·1/(2 + 1 + 1).
    assert curve.dsc[curve.fraction <= 0.5].min() == 1.0
    assert np.interp(0.75, curve.fraction, curve.dsc) == pytest.approx(4 / 5, abs=0.005)
    assert curve.dsc[-1] == pytest.approx(0.5)


@settings(max_examples=40)
@given(doubt=doubts, truth=masks.filter(np.any), prediction=masks, order=st.permutations(range(40)))
def test_the_order_in_which_voxels_are_stored_plays_no_part(doubt, truth, prediction, order):
    turned = np.array(order)
    here = retention_curve(doubt, truth, prediction)
    there = retention_curve(doubt[turned], truth[turned], prediction[turned])
    np.testing.assert_allclose(here.dsc, there.dsc)
    assert 0 <= here.r_aac <= 1
    assert (np.diff(here.dsc) <= 1e-12).all(), "keeping one's own errors never helps"


@settings(max_examples=30)
@given(doubt=doubts, truth=masks.filter(np.any), prediction=masks)
def test_only_the_order_of_the_uncertainties_matters(doubt, truth, prediction):
    here, there = (retention_curve(d, truth, prediction) for d in (doubt, np.exp(3 * doubt)))
    np.testing.assert_allclose(here.dsc, there.dsc)


def test_an_uncertainty_that_knows_the_errors_beats_the_real_one_and_a_constant_is_worse():
    case = made_up_case(4)
    truth, prediction = case.truth.ravel(), case.prediction.ravel()
    wrong = (truth != prediction).astype(float)
    oracle, real, constant, inverse = (
        retention_curve(doubt, truth, prediction).r_aac
        for doubt in (wrong, case.entropy.ravel(), np.zeros(truth.size), 1 - wrong)
    )
    assert oracle < real < constant < inverse


def test_the_points_are_two_hundred_log_spaced_from_nothing_to_all():
    assert RETAINED_FRACTIONS.shape == (200,)
    assert (RETAINED_FRACTIONS[0], RETAINED_FRACTIONS[-1]) == (0.0, pytest.approx(1.0))
    np.testing.assert_allclose(np.diff(200**RETAINED_FRACTIONS), 1.0)


def test_without_a_lesion_there_is_no_curve():
    assert retention_curve(np.arange(5.0), np.zeros(5), np.array([0, 1, 0, 0, 0])) is None
