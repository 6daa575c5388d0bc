"""Lesion instances against an independent union-find that looks at every pair of voxels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from MSSoftSegLib.lesion.instances import label_instances

Component = frozenset[tuple[int, int, int]]
# Neighbors differ by at most one in each index, and in at most so many indices.
MOST_STEPS = {6: 1, 18: 2, 26: 3}


def components(mask: np.ndarray, connectivity: int) -> set[Component]:
    """Connected components by union-find over all pairs of voxels."""
    inside = [(int(z), int(y), int(x)) for z, y, x in np.argwhere(mask)]
    parent = {voxel: voxel for voxel in inside}

    def root(voxel: tuple[int, int, int]) -> tuple[int, int, int]:
        while parent[voxel] != voxel:
            voxel = parent[voxel]
        return voxel

    for a, b in itertools.combinations(inside, 2):
        steps = [abs(i - j) for i, j in zip(a, b, strict=True)]
        if max(steps) == 1 and sum(steps) <= MOST_STEPS[connectivity]:
            parent[root(a)] = root(b)
    return {frozenset(v for v in inside if root(v) == top) for top in {root(v) for v in inside}}


def as_components(instances: np.ndarray) -> set[Component]:
    return {
        frozenset((int(z), int(y), int(x)) for z, y, x in np.argwhere(instances == number))
        for number in range(1, int(instances.max(initial=0)) + 1)
    }


def label(probability: np.ndarray, **settings_: float) -> np.ndarray:
    arguments: dict = {"threshold": 0.5, "min_lesion_mm3": 0.0, "voxel_volume_mm3": 1.0, **settings_}
    return label_instances(probability, **arguments)


@pytest.mark.parametrize("connectivity", [6, 18, 26])
@settings(max_examples=60)
@given(mask=hnp.arrays(np.bool_, st.tuples(*[st.integers(1, 5)] * 3)))
def test_instances_are_the_components_that_a_brute_force_search_finds(connectivity: int, mask: np.ndarray) -> None:
    instances = label(mask.astype(np.float32), connectivity=connectivity)
    assert as_components(instances) == components(mask, connectivity)
    np.testing.assert_array_equal(instances > 0, mask)


@settings(max_examples=60)
@given(mask=hnp.arrays(np.bool_, (4, 5, 3)), min_voxels=st.integers(0, 6))
def test_instances_are_numbered_by_falling_size_without_gaps_and_small_ones_are_dropped(
    mask: np.ndarray, min_voxels: int
) -> None:
    instances = label(mask.astype(np.float32), min_lesion_mm3=min_voxels * 2.5, voxel_volume_mm3=2.5)
    sizes = np.bincount(instances.ravel())[1:].tolist()
    expected = sorted((len(c) for c in components(mask, 26) if len(c) >= min_voxels), reverse=True)
    assert sizes == expected


def test_voxels_that_share_only_a_corner_are_one_lesion_by_default_and_two_by_edges() -> None:
    probability = np.zeros((2, 2, 2), np.float32)
    probability[0, 0, 0] = probability[1, 1, 1] = 0.9
    assert label(probability).max() == 1
    assert label(probability, connectivity=18).max() == 2


def test_lesions_at_opposite_borders_do_not_meet_around_the_edge_of_the_image() -> None:
    probability = np.zeros((3, 4, 5), np.float32)
    probability[:, :, 0] = probability[:, :, -1] = 1.0
    assert label(probability).max() == 2


def test_a_probability_equal_to_the_threshold_is_lesion_also_where_float32_rounds_it_down() -> None:
    probability = np.full((1, 1, 1), 0.7, np.float32)
    assert float(probability[0, 0, 0]) < 0.7
    assert label(probability, threshold=0.7).max() == 1
    assert label(probability, threshold=0.701).max() == 0


def test_a_lesion_of_exactly_the_least_volume_stays() -> None:
    probability = np.zeros((1, 1, 9), np.float32)
    probability[..., :3] = 1.0
    probability[..., 5:7] = 1.0
    # Voxels of 6 mm³: lesions of 18 and 12 mm³.
    assert label(probability, min_lesion_mm3=12.0, voxel_volume_mm3=6.0).max() == 2
    assert label(probability, min_lesion_mm3=12.01, voxel_volume_mm3=6.0).max() == 1


def test_equality_survives_the_32_bits_in_which_nifti_stores_spacing() -> None:
    stored_mm = float(np.float32(0.9))
    assert 10 * stored_mm**3 < 7.29
    probability = np.ones((1, 1, 10), np.float32)
    assert label(probability, min_lesion_mm3=7.29, voxel_volume_mm3=stored_mm**3).max() == 1


def test_nothing_above_the_threshold_gives_an_empty_label_image_of_16_bits() -> None:
    instances = label(np.full((2, 3, 4), 0.4, np.float32))
    assert instances.dtype == np.uint16
    assert instances.shape == (2, 3, 4)
    assert not instances.any()


@pytest.mark.parametrize("threshold", [0.0, -0.1, 1.01, float("nan")])
def test_a_threshold_that_selects_everything_or_nothing_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        label(np.zeros((1, 1, 1), np.float32), threshold=threshold)
