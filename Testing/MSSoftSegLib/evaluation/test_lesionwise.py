"""Lesions found, missed and matched: against panoptica's published-package values, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from MSSoftSegLib.evaluation.lesion_pairs import pair_lesions
from MSSoftSegLib.evaluation.lesionwise import detection, detection_by_size_of, panoptic_quality, pool_by_size
from Testing.MSSoftSegLib.evaluation.made_up_cases import made_up_case, seen_from_elsewhere, small_masks

Z, Y, X = np.indices((12, 26, 30))


def ball(center, radius):
    z, y, x = center
    return (Z - z) ** 2 * 4 + (Y - y) ** 2 + (X - x) ** 2 <= radius * radius


def balls(*parts):
    return np.any([ball(center, radius) for *center, radius in parts], axis=0)


def waves(a, b, c, d):
    return np.sin(0.9 * Z + a) + np.sin(0.55 * Y + b) + np.sin(0.47 * X + c) + 0.6 * np.sin(0.31 * (X + 2 * Y) + d)


PAIRS = {
    "balls": (
        balls((3, 6, 6, 4), (8, 18, 8, 3), (6, 12, 22, 5), (2, 21, 24, 2), (9, 4, 25, 1)),
        balls((3, 7, 6, 4), (8, 18, 10, 3), (6, 13, 22, 6), (9, 5, 14, 2), (2, 20, 5, 1), (9, 4, 25, 1)),
    ),
    "waves": (waves(0, 0, 0, 0) > 1.9, waves(0.25, 0.2, 0.1, 0.3) > 1.8),
    "scattered": (
        ((Z * 7 + Y * 3 + X * 5) % 11 < 2) & ((Z // 3 + Y // 5 + X // 6) % 2 == 0),
        ((Z * 7 + Y * 3 + X * 5) % 11 < 3) & ((Z // 3 + Y // 5 + X // 7) % 2 == 0),
    ),
}
# Computed once with panoptica 2.1.7 (PyPI; ConnectedComponentsInstanceApproximator with cc3d, 26 neighbors, and
# NaiveThresholdMatching at IoU 0.5) on the arrays above: lesions of truth and prediction, matches, RQ, SQ, PQ.
PANOPTICA = {
    "balls": (5, 6, 3, 0.5454545454545454, 0.7584859584859585, 0.4137196137196137),
    "waves": (18, 18, 14, 0.7777777777777778, 0.7266913193149133, 0.5652043594671547),
    "scattered": (151, 13, 4, 0.04878048780487805, 0.9166666666666666, 0.044715447154471545),
}


@pytest.mark.parametrize("name", PAIRS)
def test_panoptic_quality_agrees_with_panoptica(name):
    truth, prediction = PAIRS[name]
    truth_lesions, predicted_lesions, matched, rq, sq, pq = PANOPTICA[name]
    ours, found = panoptic_quality(truth, prediction), detection(truth, prediction)
    assert (found.truth_lesions, found.predicted_lesions) == (truth_lesions, predicted_lesions)
    assert ours.matched == matched
    assert (ours.rq, ours.sq, ours.pq) == (pytest.approx(rq), pytest.approx(sq), pytest.approx(pq))


def test_an_overlap_of_exactly_one_half_is_no_match_and_a_little_more_is():
    truth, prediction = np.zeros((3, 3, 12)), np.zeros((3, 3, 12))
    truth[1, 1, 1:5] = 1
    prediction[1, 1, 1:3] = 1  # IoU 2/4
    assert panoptic_quality(truth, prediction).pq == 0.0
    assert panoptic_quality(truth, prediction).sq is None
    prediction[1, 1, 3] = 1  # IoU 3/4
    assert panoptic_quality(truth, prediction).pq == pytest.approx(0.75)


def test_connectivity_decides_how_many_lesions_there_are():
    stairs = np.zeros((4, 4, 4))
    stairs[0, 0, 0] = stairs[0, 1, 1] = stairs[1, 2, 2] = 1  # an edge, then a corner
    counts = {n: detection(stairs, stairs, connectivity=n).truth_lesions for n in (26, 18, 6)}
    assert counts == {26: 1, 18: 2, 6: 3}


def test_small_components_are_left_out_on_both_sides():
    truth, prediction = np.zeros((3, 3, 20)), np.zeros((3, 3, 20))
    truth[1, 1, 0:4] = prediction[1, 1, 0:4] = 1
    truth[1, 1, 6] = prediction[1, 1, 10:12] = 1
    assert detection(truth, prediction, min_voxels=1).ltpr == pytest.approx(1 / 2)
    found = detection(truth, prediction, min_voxels=3)
    assert (found.truth_lesions, found.predicted_lesions, found.ltpr, found.lfpr) == (1, 1, 1.0, 0.0)
    assert panoptic_quality(truth, prediction, min_voxels=3).pq == 1.0


def test_lesions_are_counted_by_their_own_size_with_the_ends_where_they_are_named():
    truth, prediction = np.zeros((3, 40, 60)), np.zeros((3, 40, 60))
    # Voxels of 2.5 mm³: 3 voxels 7.5, 4 voxels 10, 39 voxels 97.5, 40 voxels 100, 400 voxels 1000, 401 voxels 1002.5.
    for row, voxels in zip((0, 3, 6, 9), (3, 4, 39, 40), strict=True):
        truth[0, row, :voxels] = 1
    truth[2, 0:10, :40] = 1  # 400
    truth[2, 20:30, :40] = truth[2, 30, 0] = 1  # 401 in one piece
    prediction[0, 0, 0] = 1  # touches the first, smallest one
    prediction[2, 5, 5:50] = 1  # 45 voxels, touches the one of 1000 mm³
    prediction[0, 35, 0:5] = 1  # 12.5 mm³, touches nothing
    rows = detection_by_size_of(pair_lesions(truth, prediction), voxel_volume_mm3=2.5)
    assert [row.size for row in rows] == ["<10 mm³", "10–100 mm³", "100–1000 mm³", ">1000 mm³"]
    assert [row.truth_lesions for row in rows] == [1, 2, 2, 1]
    assert [row.touched for row in rows] == [1, 0, 1, 0]
    assert [row.predicted_lesions for row in rows] == [1, 1, 1, 0]
    assert [row.false for row in rows] == [0, 1, 0, 0]
    twice = pool_by_size([rows, rows])
    assert [row.truth_lesions for row in twice] == [2, 4, 4, 2]


def test_a_spacing_rounded_to_32_bits_puts_no_lesion_into_another_size():
    truth = np.zeros((3, 3, 30))
    truth[1, 1, :10] = 1
    volume_mm3 = float(np.prod([np.float32(1.0000001), np.float32(0.9999999), np.float32(0.9999999)]))
    assert volume_mm3 < 1
    rows = detection_by_size_of(pair_lesions(truth, truth), voxel_volume_mm3=volume_mm3)
    assert [row.truth_lesions for row in rows] == [0, 1, 0, 0]


def test_the_sizes_add_up_to_all_lesions():
    case = made_up_case(5)
    rows = detection_by_size_of(pair_lesions(case.truth, case.prediction), voxel_volume_mm3=3.0)
    found = detection(case.truth, case.prediction)
    assert sum(row.truth_lesions for row in rows) == found.truth_lesions > 2
    assert sum(row.touched for row in rows) == round(found.ltpr * found.truth_lesions)
    assert sum(row.false for row in rows) == round(found.lfpr * found.predicted_lesions)


@settings(max_examples=40)
@given(
    truth=small_masks,
    prediction=small_masks,
    connectivity=st.sampled_from([6, 18, 26]),
    order=st.permutations([0, 1, 2]),
    flips=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_lesion_measures_are_bounded_symmetric_and_the_same_in_any_orientation(
    truth, prediction, connectivity, order, flips
):
    here, quality = (f(truth, prediction, connectivity=connectivity) for f in (detection, panoptic_quality))
    turned = [seen_from_elsewhere(mask, tuple(order), flips) for mask in (truth, prediction)]
    assert detection(*turned, connectivity=connectivity) == here
    assert panoptic_quality(*turned, connectivity=connectivity).pq == (
        None if quality.pq is None else pytest.approx(quality.pq)
    )
    back = detection(prediction, truth, connectivity=connectivity)
    if here.ltpr is not None:
        assert back.lfpr == pytest.approx(1 - here.ltpr)
    assert panoptic_quality(prediction, truth, connectivity=connectivity).rq == quality.rq
    for value in (here.ltpr, here.lfpr, here.f1, quality.sq, quality.rq, quality.pq):
        assert value is None or 0 <= value <= 1
    if quality.sq is not None:
        assert quality.sq > 0.5
