"""One exam's answer: threshold, least volume, volumes, interval over the members, and the empty case."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid, have_same_grid, voxels
from MSSoftSegLib.lesion.segmentation import segment_lesions
from MSSoftSegLib.lesion.uncertainty import combine

# 2 × 2.5 × 4 mm: voxels of 20 mm³.
GRID = Grid((8, 3, 2), (2.0, 2.5, 4.0), (10.0, -20.0, 30.0), (0, 1, 0, 1, 0, 0, 0, 0, -1))


def member(*probabilities: float) -> sitk.Image:
    """Probabilities along the first row, 0 elsewhere."""
    array = np.zeros((2, 3, 8), np.float32)
    array[0, 0, : len(probabilities)] = probabilities
    return GRID.image(array)


def test_volumes_and_their_interval_are_those_worked_out_by_hand() -> None:
    wide = member(0.9, 0.9, 0.9, 0.1, 0.0, 0.8)
    narrow = member(0.9, 0.9, 0.1, 0.1, 0.0, 0.0)
    answer = segment_lesions(combine([wide, narrow]), threshold=0.5, min_lesion_mm3=0.0)
    # Mean 0.9, 0.9, 0.5, 0.1, 0, 0.4: three voxels of 20 mm³; members: four and two.
    assert [lesion.volume_mm3 for lesion in answer.lesions] == [60.0]
    assert answer.volume_ml == pytest.approx(0.06)
    assert answer.soft_volume_ml == pytest.approx(2.8 * 0.02)
    assert answer.volume_interval_ml == pytest.approx((0.04, 0.08))
    assert answer.psu == pytest.approx(1 - (3 / 4 + 2 / 3) / 2)
    assert answer.lesions[0].lsu == pytest.approx(1 - (3 / 3 + 2 / 3) / 2)


def test_a_lesion_below_the_least_volume_leaves_mask_volume_and_members_alike() -> None:
    image = member(0.9, 0.9, 0.0, 0.9)
    answer = segment_lesions(combine([image, image]), threshold=0.5, min_lesion_mm3=40.0)
    assert voxels(answer.mask)[0, 0].tolist() == [1, 1, 0, 0, 0, 0, 0, 0]
    assert answer.volume_interval_ml == pytest.approx((0.04, 0.04))
    assert answer.volume_ml == pytest.approx(0.04)
    assert answer.psu == 0.0
    # The soft volume has no threshold and keeps it.
    assert answer.soft_volume_ml == pytest.approx(2.7 * 0.02)


def test_lesions_come_largest_first_and_carry_the_number_of_their_instance() -> None:
    answer = segment_lesions(combine([member(0.9, 0.0, 0.8, 0.8, 0.8)]), threshold=0.5, min_lesion_mm3=0.0)
    assert voxels(answer.instances)[0, 0].tolist() == [2, 0, 1, 1, 1, 0, 0, 0]
    assert [(lesion.id, lesion.volume_mm3) for lesion in answer.lesions] == [(1, 60.0), (2, 20.0)]
    np.testing.assert_array_equal(voxels(answer.mask), voxels(answer.instances) > 0)


def test_mask_and_instances_lie_on_the_grid_of_the_probability_in_8_and_16_bits() -> None:
    answer = segment_lesions(combine([member(0.9)]), threshold=0.5, min_lesion_mm3=0.0)
    assert have_same_grid(answer.mask, GRID)
    assert have_same_grid(answer.instances, GRID)
    assert (answer.mask.GetPixelID(), answer.instances.GetPixelID()) == (sitk.sitkUInt8, sitk.sitkUInt16)


def test_without_lesions_the_answer_is_empty_not_an_error() -> None:
    answer = segment_lesions(combine([member(0.2), member(0.4)]), threshold=0.5, min_lesion_mm3=0.0)
    assert answer.lesions == ()
    assert not voxels(answer.mask).any()
    assert answer.mean_entropy_in_lesions_nats is None
    assert (answer.volume_ml, answer.volume_interval_ml, answer.psu) == (0.0, (0.0, 0.0), 0.0)
    assert answer.soft_volume_ml == pytest.approx(0.3 * 0.02)


def test_a_member_alone_in_seeing_a_lesion_shows_in_interval_and_psu() -> None:
    answer = segment_lesions(combine([member(0.9), member(0.0)]), threshold=0.5, min_lesion_mm3=0.0)
    assert answer.lesions == ()
    assert answer.volume_interval_ml == pytest.approx((0.0, 0.02))
    assert answer.psu == 0.5


def test_the_mean_entropy_is_taken_inside_the_lesions_only() -> None:
    answer = segment_lesions(combine([member(1.0, 0.5, 0.3)]), threshold=0.5, min_lesion_mm3=0.0)
    assert answer.mean_entropy_in_lesions_nats == pytest.approx(np.log(2) / 2, abs=1e-6)


def test_the_interval_holds_the_volume_itself_where_every_member_alone_sees_more() -> None:
    answer = segment_lesions(combine([member(0.9, 0.0), member(0.0, 0.9)]), threshold=0.5, min_lesion_mm3=0.0)
    # Each member sees one voxel of 20 mm³, their mean 0.45 none.
    assert answer.volume_ml == 0.0
    assert answer.volume_interval_ml == pytest.approx((0.0, 0.02))
