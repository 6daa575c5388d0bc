"""Surface distances: against MONAI, against scipy's distance transform, and by hand in mm."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance

from MSSoftSegLib.evaluation.surface import surface_distances
from Testing.MSSoftSegLib.evaluation.made_up_cases import (
    SPACING_MM,
    made_up_case,
    seen_from_elsewhere,
    small_masks,
    spacings,
)


@settings(max_examples=50)
@given(truth=small_masks, prediction=small_masks, spacing_mm=spacings)
def test_both_distances_agree_with_monai_at_any_spacing(truth, prediction, spacing_mm):
    ours = surface_distances(truth, prediction, spacing_mm=spacing_mm)
    if not truth.any() or not prediction.any():
        assert (ours.hd95_mm, ours.assd_mm) == (None, None)
        return
    pair = (torch.from_numpy(prediction)[None, None].float(), torch.from_numpy(truth)[None, None].float())
    hausdorff = compute_hausdorff_distance(*pair, include_background=True, percentile=95, spacing=spacing_mm)
    average = compute_average_surface_distance(*pair, include_background=True, symmetric=True, spacing=spacing_mm)
    assert ours.hd95_mm == pytest.approx(float(hausdorff), rel=1e-4, abs=1e-5)
    assert ours.assd_mm == pytest.approx(float(average), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_realistic_case_agrees_with_monai(seed):
    case = made_up_case(seed)
    pair = [torch.from_numpy(mask)[None, None].float() for mask in (case.prediction, case.truth)]
    hausdorff = compute_hausdorff_distance(*pair, include_background=True, percentile=95, spacing=SPACING_MM)
    ours = surface_distances(case.truth, case.prediction, spacing_mm=SPACING_MM)
    assert ours.hd95_mm == pytest.approx(float(hausdorff), rel=1e-4)
    assert ours.hd95_mm > ours.assd_mm > 0


@pytest.mark.parametrize(("axis", "steps"), [(0, 2), (1, 3), (2, 4)])
def test_single_voxels_are_as_far_apart_as_their_centers_in_mm(axis, steps):
    truth, prediction = np.zeros((9, 9, 9)), np.zeros((9, 9, 9))
    truth[3, 3, 3] = 1
    place = [3, 3, 3]
    place[axis] += steps
    prediction[tuple(place)] = 1
    found = surface_distances(truth, prediction, spacing_mm=(3.0, 2.0, 1.0))
    assert found.hd95_mm == found.assd_mm == pytest.approx(steps * (3.0, 2.0, 1.0)[axis])


def test_the_mean_is_over_all_distances_and_not_of_two_means():
    truth, prediction = np.zeros((3, 3, 12)), np.zeros((3, 3, 12))
    truth[1, 1, 1] = 1
    prediction[1, 1, 1] = prediction[1, 1, 4] = prediction[1, 1, 7] = 1
    # There 0; back 0, 3 and 6 mm. The mean of two means would be 1.5.
    assert surface_distances(truth, prediction, spacing_mm=(1, 1, 1)).assd_mm == pytest.approx(9 / 4)


def test_the_inside_of_a_lesion_is_no_surface():
    truth, prediction = np.zeros((9, 9, 9)), np.zeros((9, 9, 9))
    truth[1:8, 1:8, 1:8] = prediction[1:8, 1:8, 1:8] = 1
    prediction[4, 4, 4] = 0  # a hole: its six neighbors are surface now, 3 mm deep
    found = surface_distances(truth, prediction, spacing_mm=(1, 1, 1))
    outer = 7**3 - 5**3
    assert found.assd_mm == pytest.approx(6 * 2 / (2 * outer + 6))


@settings(max_examples=40)
@given(
    truth=small_masks,
    prediction=small_masks,
    spacing_mm=spacings,
    order=st.permutations([0, 1, 2]),
    flips=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_distances_are_symmetric_and_the_same_in_any_orientation(truth, prediction, spacing_mm, order, flips):
    here = surface_distances(truth, prediction, spacing_mm=spacing_mm)
    back = surface_distances(prediction, truth, spacing_mm=spacing_mm)
    turned = surface_distances(
        seen_from_elsewhere(truth, tuple(order), flips),
        seen_from_elsewhere(prediction, tuple(order), flips),
        spacing_mm=[spacing_mm[axis] for axis in order],
    )
    for other in (back, turned):
        assert here.hd95_mm == (None if other.hd95_mm is None else pytest.approx(other.hd95_mm))
        assert here.assd_mm == (None if other.assd_mm is None else pytest.approx(other.assd_mm))


@settings(max_examples=20)
@given(mask=small_masks.filter(np.any), spacing_mm=spacings)
def test_a_mask_is_at_no_distance_from_itself(mask, spacing_mm):
    found = surface_distances(mask, mask, spacing_mm=spacing_mm)
    assert (found.hd95_mm, found.assd_mm) == (0.0, 0.0)
