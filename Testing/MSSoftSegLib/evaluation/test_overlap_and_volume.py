"""PPV, TPR, nDSC and volumes: against MONAI, scipy and numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from monai.metrics import ConfusionMatrixMetric
from scipy import stats

from MSSoftSegLib.evaluation.normalized_dice import normalized_dice
from MSSoftSegLib.evaluation.overlap import dice, positive_predictive_value, true_positive_rate
from MSSoftSegLib.evaluation.volume import (
    absolute_volume_difference_ml,
    bland_altman,
    volume_correlation,
    volume_ml,
)
from Testing.MSSoftSegLib.evaluation.made_up_cases import small_masks

volumes = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=2, max_size=12)


@settings(max_examples=40)
@given(truth=small_masks, prediction=small_masks)
def test_precision_and_recall_agree_with_monai(truth, prediction):
    for name, ours in (
        ("precision", positive_predictive_value(truth, prediction)),
        ("sensitivity", true_positive_rate(truth, prediction)),
    ):
        metric = ConfusionMatrixMetric(include_background=True, metric_name=name)
        metric(torch.from_numpy(prediction)[None, None].float(), torch.from_numpy(truth)[None, None].float())
        if ours is not None:
            assert ours == pytest.approx(float(metric.aggregate()[0]), abs=1e-6)


def test_precision_and_recall_of_a_hand_worked_pair():
    truth, prediction = np.zeros((2, 3, 4)), np.zeros((2, 3, 4))
    truth[0, 0, :4] = 1
    prediction[0, 0, 1:4] = 1
    prediction[1, 2, :2] = 1
    assert positive_predictive_value(truth, prediction) == pytest.approx(3 / 5)
    assert true_positive_rate(truth, prediction) == pytest.approx(3 / 4)


def test_normalized_dice_of_a_hand_worked_pair():
    truth, prediction, brain = np.zeros((10, 10, 10)), np.zeros((10, 10, 10)), np.ones((10, 10, 10))
    truth[0, 0, :10] = 1  # G = 10 of N = 1000: ten times the reference prevalence
    prediction[0, 0, :6] = 1  # TP = 6, FN = 4
    prediction[5, 5, :3] = 1  # FP = 3
    k = 0.999 * 10 / (0.001 * 990)
    assert normalized_dice(truth, prediction, brain) == pytest.approx(12 / (12 + k * 3 + 4))


@settings(max_examples=40)
@given(truth=small_masks, prediction=small_masks)
def test_at_the_reference_prevalence_normalized_dice_is_dice(truth, prediction):
    lesion = int(truth.sum())
    assume(0 < lesion < truth.size)
    ours = normalized_dice(truth, prediction, np.ones_like(truth), prevalence=lesion / truth.size)
    assert ours == pytest.approx(dice(truth, prediction))


def test_normalized_dice_does_not_change_with_the_amount_of_lesion_where_the_error_rates_stay():
    values = []
    for load in (20, 200):
        truth, prediction = np.zeros(10_000), np.zeros(10_000)
        truth[:load] = 1
        prediction[: load * 8 // 10] = 1
        # One in a hundred healthy voxels is wrong.
        prediction[load : load + (10_000 - load) // 100] = 1
        values.append(normalized_dice(truth, prediction, np.ones(10_000), prevalence=0.01))
    assert values[0] == pytest.approx(values[1], abs=0.005)


def test_a_false_positive_outside_the_brain_mask_is_not_forgiven():
    truth, brain = np.zeros((4, 4, 40)), np.zeros((4, 4, 40))
    truth[1, 1, 1:5] = 1
    brain[1:3, 1:3, :30] = 1
    prediction = truth.copy()
    prediction[0, 0, 39] = 1
    assert normalized_dice(truth, truth, brain) == 1.0
    # 120 voxels of brain and the one outside it that is called lesion.
    k = 0.999 * 4 / (0.001 * (121 - 4))
    assert normalized_dice(truth, prediction, brain) == pytest.approx(8 / (8 + k))


def test_volumes_are_in_ml_at_any_spacing():
    truth, prediction = np.zeros((6, 7, 8)), np.zeros((6, 7, 8))
    truth[1:4, 1:4, 1:5] = 1  # 36 voxels of 3 × 1.25 × 0.8 = 3 mm³
    prediction[1:3, 1:4, 1:5] = 1  # 24 voxels
    assert volume_ml(truth, spacing_mm=(3.0, 1.25, 0.8)) == pytest.approx(0.108)
    assert absolute_volume_difference_ml(truth, prediction, spacing_mm=(3.0, 1.25, 0.8)) == pytest.approx(0.036)
    assert absolute_volume_difference_ml(prediction, truth, spacing_mm=(3.0, 1.25, 0.8)) == pytest.approx(0.036)


@settings(max_examples=60)
@given(pairs=volumes)
def test_volume_correlation_agrees_with_scipy(pairs):
    truth, predicted = np.array(pairs).T
    ours = volume_correlation(truth, predicted)
    if np.ptp(truth) > 1e-6 and np.ptp(predicted) > 1e-6:
        assert ours == pytest.approx(float(stats.pearsonr(truth, predicted).statistic), abs=1e-6)
        assert -1 <= ours <= 1


@pytest.mark.parametrize(
    ("truth", "predicted"), [([], []), ([3.0], [3.0]), ([2.0, 2.0, 2.0], [1.0, 2.0, 3.0]), ([1.0, 2.0], [0.1, 0.1])]
)
def test_volume_correlation_of_one_case_or_of_equal_volumes_is_undefined_never_one(truth, predicted):
    assert volume_correlation(truth, predicted) is None


def test_bland_altman_of_a_hand_worked_series():
    agreement = bland_altman([10.0, 20.0, 30.0], [11.0, 19.0, 33.0])  # differences 1, −1, 3
    assert (agreement.n, agreement.bias_ml) == (3, pytest.approx(1.0))
    assert agreement.sd_ml == pytest.approx(2.0)
    assert (agreement.lower_ml, agreement.upper_ml) == (pytest.approx(1 - 3.92), pytest.approx(1 + 3.92))
    assert bland_altman([4.0], [5.0]).bias_ml == pytest.approx(1.0)
    assert bland_altman([4.0], [5.0]).upper_ml is None
    assert bland_altman([], []).bias_ml is None
