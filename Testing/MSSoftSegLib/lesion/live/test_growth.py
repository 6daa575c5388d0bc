"""A lesion grown from a click: never where the model says nothing, never further than asked, never less for more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from MSSoftSegLib.lesion.live.growth import FLOOR, REACH_MM, SHARE_OF_PEAK, find_connected_part, grow_lesion

SPACING_MM = (3.0, 1.0, 0.7)
SHAPE = (6, 14, 16)


def smooth_map(seed: int) -> np.ndarray:
    """Bumps and valleys between 0 and 1."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), (0.5, 1.5, 2.0))
    return np.clip(noise / np.abs(noise).max(), 0, 1).astype(np.float32)


def distances_mm(place) -> np.ndarray:
    steps = np.indices(SHAPE).reshape(3, -1) - np.array(place)[:, None]
    return np.linalg.norm(steps * np.array(SPACING_MM)[:, None], axis=0)


PLACES = st.tuples(*(st.integers(0, size - 1) for size in SHAPE))
CASES = {"seed": st.integers(0, 200), "place": PLACES, "radius_mm": st.floats(0.5, 12.0)}


@settings(max_examples=60, deadline=None)
@given(**CASES)
def test_it_stays_in_its_ball_above_its_floor_in_one_piece_and_holds_the_peak(seed, place, radius_mm):
    probability = smooth_map(seed)
    found = grow_lesion(probability, place, spacing_mm=SPACING_MM, radius_mm=radius_mm)
    far = distances_mm(place)
    near = far <= REACH_MM
    peak = probability.ravel()[near].max()
    if peak < FLOOR:
        assert len(found) == 0
        return
    values = probability.ravel()[found]
    assert (values >= max(FLOOR, SHARE_OF_PEAK * peak) - 1e-7).all()
    assert peak in values
    at_peak = probability.ravel() == peak
    assert (far[found] <= max(radius_mm, 0) + 1e-6)[~at_peak[found]].all()
    mask = np.zeros(SHAPE, bool)
    mask.ravel()[found] = True
    assert ndimage.label(mask, np.ones((3, 3, 3)))[1] == 1
    assert (np.diff(found) > 0).all()


@settings(max_examples=60, deadline=None)
@given(**CASES, more_mm=st.floats(0.0, 8.0))
def test_a_larger_radius_takes_nothing_away(seed, place, radius_mm, more_mm):
    probability = smooth_map(seed)
    small = grow_lesion(probability, place, spacing_mm=SPACING_MM, radius_mm=radius_mm)
    large = grow_lesion(probability, place, spacing_mm=SPACING_MM, radius_mm=radius_mm + more_mm)
    assert np.isin(small, large).all()


@settings(max_examples=40, deadline=None)
@given(**CASES)
def test_nothing_outside_the_ball_matters(seed, place, radius_mm):
    probability = smooth_map(seed)
    elsewhere = distances_mm(place).reshape(SHAPE) > max(radius_mm, REACH_MM)
    other = np.where(elsewhere, 1.0 - probability, probability).astype(np.float32)
    both = [grow_lesion(each, place, spacing_mm=SPACING_MM, radius_mm=radius_mm) for each in (probability, other)]
    assert np.array_equal(*both)


@settings(max_examples=40, deadline=None)
@given(**CASES, axis=st.integers(0, 2))
def test_a_mirrored_image_grows_a_mirrored_lesion(seed, place, radius_mm, axis):
    probability = smooth_map(seed)
    mirrored = tuple(SHAPE[axis] - 1 - each if number == axis else each for number, each in enumerate(place))
    masks = []
    for image, where in ((probability, place), (np.ascontiguousarray(np.flip(probability, axis)), mirrored)):
        mask = np.zeros(SHAPE, bool)
        mask.ravel()[grow_lesion(image, where, spacing_mm=SPACING_MM, radius_mm=radius_mm)] = True
        masks.append(mask)
    # Two equal peaks at equal distance would be told apart by their order; a smooth random map has none above 0.
    assert np.array_equal(masks[0], np.flip(masks[1], axis))


def test_a_faint_lesion_is_found_from_beside_it_and_its_neighbor_is_not():
    probability = np.zeros(SHAPE, np.float32)
    probability[2:4, 4:7, 4:8] = 0.3
    probability[2:4, 9:12, 4:8] = 0.3
    found = grow_lesion(probability, (2, 3, 5), spacing_mm=SPACING_MM, radius_mm=8.0)
    expected = np.zeros(SHAPE, bool)
    expected[2:4, 4:7, 4:8] = True
    assert np.array_equal(found, np.flatnonzero(expected))


def test_where_the_model_says_nothing_there_is_nothing():
    assert len(grow_lesion(np.full(SHAPE, 0.01, np.float32), (1, 1, 1), spacing_mm=SPACING_MM, radius_mm=5.0)) == 0


@pytest.mark.parametrize("radius_mm", [0.0, -1.0, float("nan")])
def test_no_radius_is_refused(radius_mm):
    with pytest.raises(ValueError, match="radius"):
        grow_lesion(smooth_map(1), (1, 1, 1), spacing_mm=SPACING_MM, radius_mm=radius_mm)


def test_a_place_outside_is_refused():
    with pytest.raises(ValueError, match="outside"):
        grow_lesion(smooth_map(1), (6, 0, 0), spacing_mm=SPACING_MM, radius_mm=3.0)


def test_a_connected_part_is_the_lesion_that_was_pointed_at_and_no_other_label():
    labels = np.zeros(SHAPE, np.uint8)
    labels[1, 1:3, 1:3], labels[2, 3, 3], labels[4, 8, 8] = 1, 1, 1
    labels[1, 1, 3] = 2
    found = find_connected_part(labels, (1, 1, 1))
    assert len(found) == 5
    assert (labels.ravel()[found] == 1).all()
    assert len(find_connected_part(labels, (0, 13, 0))) == 0
