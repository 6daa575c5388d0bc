"""LSU and PSU against their formulas, written out over sets of voxels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from MSSoftSegLib.lesion.structural_uncertainty import lesion_structural_uncertainty, patient_structural_uncertainty

labels = hnp.arrays(np.uint16, (3, 4, 5), elements=st.integers(0, 3))


def numbered(array: np.ndarray) -> np.ndarray:
    """The labels renumbered without gaps."""
    return np.searchsorted(np.unique(np.append(array, 0)), array).astype(np.uint16)


def voxel_sets(array: np.ndarray) -> list[set[tuple[int, ...]]]:
    return [{tuple(v) for v in np.argwhere(array == n)} for n in range(1, int(array.max()) + 1)]


def iou(a: set, b: set) -> float:
    return len(a & b) / len(a | b)


def row(*values: int) -> np.ndarray:
    return np.array([[values]], np.uint16)


@settings(max_examples=60)
@given(labels, st.lists(labels, min_size=1, max_size=4))
def test_lsu_is_one_minus_the_mean_best_overlap_by_brute_force(own: np.ndarray, others: list[np.ndarray]) -> None:
    instances, members = numbered(own), [numbered(other) for other in others]
    expected = [
        1 - np.mean([max((iou(lesion, other) for other in voxel_sets(member)), default=0.0) for member in members])
        for lesion in voxel_sets(instances)
    ]
    np.testing.assert_allclose(lesion_structural_uncertainty(instances, members), expected, atol=1e-12)


@settings(max_examples=60)
@given(labels, st.lists(labels, min_size=1, max_size=4))
def test_psu_is_one_minus_the_mean_overlap_by_brute_force(own: np.ndarray, members: list[np.ndarray]) -> None:
    def whole(array: np.ndarray) -> set:
        return {tuple(v) for v in np.argwhere(array > 0)}

    overlaps = [1.0 if not whole(own) and not whole(member) else iou(whole(own), whole(member)) for member in members]
    assert patient_structural_uncertainty(own, members) == pytest.approx(1 - np.mean(overlaps))


def test_lsu_takes_the_best_single_match_of_a_lesion_that_a_member_splits() -> None:
    lesion = row(1, 1, 1, 1, 0)
    split = row(1, 0, 2, 2, 0)
    # Best match: 2 shared of 4 in the union. PSU instead sees 3 shared of 4.
    assert lesion_structural_uncertainty(lesion, [split]).tolist() == [0.5]
    assert patient_structural_uncertainty(lesion > 0, [split]) == 0.25


def test_a_member_lesion_that_bridges_two_lesions_matches_each_only_in_part() -> None:
    lesions = row(1, 1, 1, 0, 2)
    bridge = row(1, 1, 1, 1, 1)
    np.testing.assert_allclose(lesion_structural_uncertainty(lesions, [bridge]), [1 - 3 / 5, 1 - 1 / 5])


def test_lsu_averages_over_a_member_that_agrees_and_one_that_has_nothing() -> None:
    lesion, nothing = row(0, 1, 1, 0), row(0, 0, 0, 0)
    assert lesion_structural_uncertainty(lesion, [lesion, nothing]).tolist() == [0.5]
    assert patient_structural_uncertainty(lesion, [lesion, nothing]) == 0.5


def test_members_equal_to_the_lesions_leave_no_uncertainty_whatever_their_numbers() -> None:
    lesions, renumbered = row(1, 1, 0, 2), row(2, 2, 0, 1)
    assert lesion_structural_uncertainty(lesions, [lesions, renumbered]).tolist() == [0.0, 0.0]
    assert patient_structural_uncertainty(lesions, [lesions, renumbered]) == 0.0


def test_without_lesions_there_is_no_lsu_and_empty_members_agree() -> None:
    empty = row(0, 0, 0)
    assert lesion_structural_uncertainty(empty, [empty]).shape == (0,)
    assert patient_structural_uncertainty(empty, [empty, empty]) == 0.0
    assert patient_structural_uncertainty(empty, [empty, row(0, 1, 0)]) == 0.5
