"""Entropy and mutual information against hand-derived values and their defining properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from MSSoftSegLib.exam.geometry import Grid, have_same_grid, voxels
from MSSoftSegLib.lesion.uncertainty import combine, entropy_nats

OBLIQUE = Grid(
    size=(4, 3, 2),
    spacing_mm=(0.7, 1.1, 3.0),
    origin_mm=(-12.0, 31.0, 7.0),
    direction=(0.8, 0.0, -0.6, 0.0, 1.0, 0.0, 0.6, 0.0, 0.8),
)
probabilities = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=3, max_dims=3, max_side=4), elements=st.floats(0, 1, width=32)
)


def member(value: float) -> sitk.Image:
    return OBLIQUE.image(np.full((2, 3, 4), value, np.float32))


def test_entropy_of_a_quarter_is_its_hand_derived_value() -> None:
    # 1/4 ln 4 + 3/4 ln 4/3 = ln 4 − 3/4 ln 3
    expected = math.log(4) - 0.75 * math.log(3)
    np.testing.assert_allclose(entropy_nats(np.array([0.25, 0.75])), [expected, expected], rtol=1e-6)


def test_a_certain_voxel_has_no_entropy_and_an_undecided_one_ln_2() -> None:
    entropy = entropy_nats(np.array([0.0, 1.0, 0.5], np.float32))
    assert entropy.tolist()[:2] == [0.0, 0.0]
    assert entropy[2] == pytest.approx(math.log(2), abs=1e-7)


def test_entropy_in_float32_stays_below_ln_2_where_plain_rounding_would_not() -> None:
    assert float(np.float32(math.log(2))) > math.log(2)  # what plain rounding gives
    assert float(entropy_nats(np.array([0.5], np.float32))[0]) <= math.log(2)


def test_values_a_rounding_error_outside_0_to_1_count_as_certain() -> None:
    assert entropy_nats(np.array([-1e-7, 1 + 1e-7])).tolist() == [0.0, 0.0]


@given(probabilities)
def test_entropy_is_the_same_for_lesion_and_background_and_within_bounds(p: np.ndarray) -> None:
    exact = p.astype(np.float64)
    entropy = entropy_nats(exact)
    assert entropy.dtype == np.float32
    np.testing.assert_allclose(entropy, entropy_nats(1.0 - exact), atol=1e-6)
    assert float(entropy.min()) >= 0.0
    assert float(entropy.max()) <= math.log(2)


@given(st.floats(0, 0.499), st.floats(1e-3, 0.25))
def test_entropy_grows_towards_one_half(p: float, step: float) -> None:
    nearer = min(p + step, 0.5)
    low, high = entropy_nats(np.array([p, nearer]))
    assert high > low


def test_two_opposed_certain_members_are_undecided_and_all_of_it_is_disagreement() -> None:
    maps = combine([member(0.0), member(1.0)])
    assert np.unique(voxels(maps.probability)).tolist() == [0.5]
    np.testing.assert_allclose(voxels(maps.entropy), math.log(2), atol=1e-7)
    np.testing.assert_allclose(voxels(maps.mutual_information), math.log(2), atol=1e-7)


def test_mutual_information_is_entropy_of_the_mean_minus_mean_entropy() -> None:
    maps = combine([member(0.25), member(0.75), member(0.5)])
    # mean 1/2: H = ln 2; members: twice ln 4 − 3/4 ln 3, once ln 2.
    expected = math.log(2) - (2 * (math.log(4) - 0.75 * math.log(3)) + math.log(2)) / 3
    np.testing.assert_allclose(voxels(maps.mutual_information), expected, atol=1e-6)


@pytest.mark.parametrize("count", [1, 3, 7, 8])
@settings(max_examples=30)
@given(p=hnp.arrays(np.float32, (2, 3, 4), elements=st.floats(0, 1, width=32)))
def test_identical_members_change_nothing_and_disagree_in_nothing(count: int, p: np.ndarray) -> None:
    maps = combine([OBLIQUE.image(p)] * count)
    np.testing.assert_array_equal(voxels(maps.probability), p)
    np.testing.assert_array_equal(voxels(maps.entropy), entropy_nats(p))
    assert voxels(maps.mutual_information).max() == 0.0


@settings(max_examples=50)
@given(hnp.arrays(np.float32, (5, 2, 3, 4), elements=st.floats(0, 1, width=32)))
def test_mutual_information_is_never_negative_nor_above_the_entropy(members: np.ndarray) -> None:
    maps = combine([OBLIQUE.image(p) for p in members])
    information, entropy = voxels(maps.mutual_information), voxels(maps.entropy)
    assert information.min() >= 0.0
    assert (information <= entropy).all()
    np.testing.assert_allclose(voxels(maps.probability), members.mean(axis=0, dtype=np.float64), atol=1e-6)


def test_every_map_keeps_the_oblique_geometry_of_its_members_in_32_bits() -> None:
    maps = combine([member(0.2), member(0.6)])
    for image in (maps.probability, maps.entropy, maps.mutual_information):
        assert have_same_grid(image, OBLIQUE)
        assert image.GetPixelID() == sitk.sitkFloat32
    assert len(maps.members) == 2


def test_no_members_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one member"):
        combine([])


def test_members_that_differ_by_rounding_only_do_not_inform_negatively() -> None:
    p = np.linspace(0.01, 0.49, 24, dtype=np.float32).reshape(2, 3, 4)
    next_p = np.nextafter(p, np.float32(1))
    # Their float32 mean falls back on one of the two, whose entropy may lie below the mean of both entropies.
    mean = ((p.astype(np.float64) + next_p) / 2).astype(np.float32)
    unbounded = entropy_nats(mean) - (entropy_nats(p).astype(np.float64) + entropy_nats(next_p)) / 2
    assert unbounded.min() < 0
    assert voxels(combine([OBLIQUE.image(p), OBLIQUE.image(next_p)]).mutual_information).min() >= 0.0


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 4), st.just(2), st.just(3), st.just(4)),
        elements=st.sampled_from([0.0, 0.0, 0.25, 0.5, 1.0, 1 / 3, -1e-7, 1 + 1e-6]),
    )
)
def test_where_members_are_zero_the_maps_are_those_of_the_formulas_as_everywhere(members: np.ndarray) -> None:
    found = combine([OBLIQUE.image(member) for member in members])
    p = np.clip(members.astype(np.float64), 0, 1)

    def entropy(q: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return -np.nansum([q * np.log(q), (1 - q) * np.log(1 - q)], axis=0)

    expected = p.mean(axis=0), entropy(p.mean(axis=0)), entropy(p.mean(axis=0)) - entropy(p).mean(axis=0)
    maps = found.probability, found.entropy, found.mutual_information
    for image, values in zip(maps, expected, strict=True):
        assert have_same_grid(image, found.members[0])
        np.testing.assert_allclose(voxels(image), values, atol=2e-6)
