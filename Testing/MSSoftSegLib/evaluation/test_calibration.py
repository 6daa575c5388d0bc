"""Calibration: against scikit-learn, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import ndimage
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, brier_score_loss, precision_recall_curve

from MSSoftSegLib.evaluation.calibration import (
    brier_score,
    expected_calibration_error,
    neighborhood,
    pool_reliability,
    reliability_curve,
)
from MSSoftSegLib.evaluation.precision_recall import THRESHOLDS, pool_precision_recall, precision_recall
from Testing.MSSoftSegLib.evaluation.made_up_cases import SPACING_MM, made_up_case, small_masks, spacings

# Not on the border of a bin, where two programs may put one value on two sides.
chances = npst.arrays(np.float64, 60, elements=st.integers(0, 1000).map(lambda n: (n + 0.37) / 1001))
outcomes = npst.arrays(np.uint8, 60, elements=st.integers(0, 1))


@settings(max_examples=40)
@given(probability=chances, truth=outcomes)
def test_the_reliability_curve_agrees_with_scikit_learn(probability, truth):
    ours = reliability_curve(probability, truth, bins=7)
    observed, predicted = calibration_curve(truth, probability, n_bins=7)
    full = ours.count > 0
    np.testing.assert_allclose(ours.mean_truth[full], observed)
    np.testing.assert_allclose(ours.mean_probability[full], predicted)
    expected = np.abs(observed - predicted) @ ours.count[full] / 60
    assert expected_calibration_error(probability, truth, bins=7) == pytest.approx(expected)


@settings(max_examples=40)
@given(probability=chances, truth=outcomes)
def test_the_brier_score_agrees_with_scikit_learn(probability, truth):
    if 0 < truth.sum() < truth.size:
        assert brier_score(probability, truth) == pytest.approx(brier_score_loss(truth, probability))


def test_a_soft_truth_is_taken_as_it_is():
    soft = np.array([0.0, 0.5, 1.0, 0.5])
    assert brier_score(soft, soft) == 0.0
    assert expected_calibration_error(soft, soft) == 0.0
    assert brier_score(np.full(4, 0.5), soft) == pytest.approx(0.125)


def test_pooling_cases_is_measuring_their_voxels_together():
    one, other = made_up_case(1), made_up_case(2)
    pooled = pool_reliability([reliability_curve(case.probability, case.truth) for case in (one, other)])
    together = reliability_curve(np.stack([one.probability, other.probability]), np.stack([one.truth, other.truth]))
    assert pooled.error == pytest.approx(together.error)
    curves = pool_precision_recall([precision_recall(case.probability, case.truth) for case in (one, other)])
    assert curves.dsc[49] == pytest.approx(
        2
        * sum(((c.probability >= 0.5) & (c.truth > 0)).sum() for c in (one, other))
        / sum((c.probability >= 0.5).sum() + c.truth.sum() for c in (one, other))
    )


@settings(max_examples=25)
@given(mask=small_masks, spacing_mm=spacings, radius_mm=st.floats(0.1, 9.0))
def test_the_neighborhood_is_everything_within_the_radius_in_mm(mask, spacing_mm, radius_mm):
    near = neighborhood(mask, spacing_mm=spacing_mm, radius_mm=radius_mm)
    places = np.argwhere(np.ones(mask.shape)) * np.array(spacing_mm)
    inside = places[mask.ravel() > 0]
    if len(inside) == 0:
        assert not near.any()
        return
    distance_mm = np.linalg.norm(places[:, None] - inside[None], axis=2).min(axis=1).reshape(mask.shape)
    clear = np.abs(distance_mm - radius_mm) > 1e-4
    np.testing.assert_array_equal(near[clear], (distance_mm <= radius_mm)[clear])


def test_the_neighborhood_is_not_cut_where_the_lesion_is_far_from_the_middle():
    mask = np.zeros((30, 40, 50))
    mask[2, 37, 25] = 1
    near = neighborhood(mask, spacing_mm=SPACING_MM)
    full = ndimage.distance_transform_edt(mask == 0, sampling=SPACING_MM) <= 5.0
    np.testing.assert_array_equal(near, full)
    assert near.sum() > 100


def test_precision_and_recall_agree_with_scikit_learn_at_every_threshold():
    case = made_up_case(3)
    ours = precision_recall(case.probability, case.truth)
    precision, recall, thresholds = precision_recall_curve(case.truth.ravel(), case.probability.ravel())
    for index, threshold in enumerate(THRESHOLDS.astype(np.float32)):
        place = np.searchsorted(thresholds, threshold)
        if place < thresholds.size:
            assert ours.precision[index] == pytest.approx(precision[place])
            assert ours.recall[index] == pytest.approx(recall[place])
    area = -np.trapezoid(ours.precision[np.isfinite(ours.precision)], ours.recall[np.isfinite(ours.precision)])
    assert area < average_precision_score(case.truth.ravel(), case.probability.ravel()) + 0.02


def test_a_probability_of_32_bits_reaches_the_threshold_that_it_stands_for():
    probability = np.array([0.7, 0.69999, 0.3], np.float32)
    counts = precision_recall(probability, np.ones(3))
    assert counts.true_positive[69] == 1
    assert counts.true_positive[29] == 3
    # Masks are cut in the same way elsewhere.
    assert (probability >= 0.7).sum() == 1


@settings(max_examples=30)
@given(probability=chances, truth=outcomes)
def test_recall_never_rises_with_the_threshold(probability, truth):
    curve = precision_recall(probability, truth)
    assert (np.diff(curve.true_positive) <= 0).all()
    assert (np.diff(curve.false_positive) <= 0).all()
    assert (curve.true_positive + curve.false_negative == truth.sum()).all()
