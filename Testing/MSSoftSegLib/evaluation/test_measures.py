"""Evaluation against independent implementations and hand-worked cases."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from monai.metrics import DiceMetric

from MSSoftSegLib.evaluation.calibration import expected_calibration_error
from MSSoftSegLib.evaluation.lesionwise import detection
from MSSoftSegLib.evaluation.overlap import dice, soft_dice

masks = npst.arrays(np.uint8, (4, 5, 6), elements=st.integers(0, 1))


@settings(max_examples=60)
@given(a=masks, b=masks)
def test_dice_agrees_with_monai(a, b):
    ours = dice(a, b)
    if ours is None:
        assert not a.any()
        assert not b.any()
        return
    metric = DiceMetric(include_background=True, ignore_empty=False)
    theirs = metric(torch.from_numpy(a)[None, None].float(), torch.from_numpy(b)[None, None].float())
    assert ours == pytest.approx(float(theirs), abs=1e-6)
    assert soft_dice(a, b) == pytest.approx(ours)


def test_soft_dice_of_a_hand_worked_pair():
    assert soft_dice(np.array([0.5, 1.0, 0.0]), np.array([0.5, 0.5, 0.5])) == pytest.approx(2 * 0.75 / 3.0)


def test_masks_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match="shapes"):
        dice(np.zeros((2, 2, 2)), np.zeros((2, 2, 3)))


def test_detection_counts_lesions_not_voxels():
    truth, found = np.zeros((5, 5, 12)), np.zeros((5, 5, 12))
    truth[2, 2, 0:3] = 1  # found
    truth[2, 2, 5:8] = 1  # missed
    found[2, 2, 2:4] = 1  # touches the first
    found[0, 0, 10:12] = 1  # touches nothing
    found[4, 4, 11] = 1  # touches nothing, one voxel
    result = detection(truth, found)
    assert (result.truth_lesions, result.predicted_lesions) == (2, 3)
    assert result.ltpr == pytest.approx(1 / 2)
    assert result.lfpr == pytest.approx(2 / 3)
    assert result.f1 == pytest.approx(2 * (1 / 2) * (1 / 3) / (1 / 2 + 1 / 3))
    assert detection(truth, found, min_voxels=2).predicted_lesions == 2


def test_detection_of_nothing_in_nothing_is_undefined_not_perfect():
    empty = np.zeros((3, 3, 3))
    assert detection(empty, empty).f1 is None
    assert detection(np.ones((3, 3, 3)), empty).f1 == 0.0


def test_connectivity_decides_whether_a_diagonal_is_one_lesion():
    diagonal = np.zeros((3, 3, 3))
    diagonal[0, 0, 0] = diagonal[1, 1, 1] = 1
    assert detection(diagonal, diagonal, connectivity=26).truth_lesions == 1
    assert detection(diagonal, diagonal, connectivity=18).truth_lesions == 2


def test_calibration_error_is_zero_for_a_coin_and_large_for_a_boaster():
    truth = np.tile([0.0, 1.0], 500)
    assert expected_calibration_error(np.full(1000, 0.5), truth) == pytest.approx(0.0)
    assert expected_calibration_error(np.full(1000, 0.9), truth) == pytest.approx(0.4)
    assert expected_calibration_error(np.array([]), np.array([])) is None
