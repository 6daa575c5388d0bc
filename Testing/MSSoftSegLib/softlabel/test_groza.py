"""Smoothed borders against scipy's Gaussian, a direct kernel sum, and distances to every voxel's box."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from Testing.MSSoftSegLib.softlabel.made_masks import drawings, soften, values

METHODS = ("gaussian", "ramp", "svls")
WIDTHS = st.sampled_from([0.3, 0.7, 1.0, 2.1])


def second_rater(drawn):
    """Another mask on the same grid, so that there is disagreement."""
    return np.roll(drawn.core, 1, axis=2)


def merged(drawn, gamma):
    other = second_rater(drawn)
    return np.where(drawn.core & other, 1.0, gamma * (drawn.core | other))


@given(drawn=drawings(most=8), sigma=WIDTHS)
def test_gaussian_is_scipys_over_the_whole_volume_with_sigma_in_mm(drawn, sigma):
    raters = [drawn.core, second_rater(drawn)]
    soft = soften(raters, None, drawn.spacing, method="gaussian", merge="soft-union", gamma=0.4, sigma_mm=sigma)
    expected = ndimage.gaussian_filter(merged(drawn, 0.4), sigma / np.asarray(drawn.spacing), mode="nearest")
    np.testing.assert_allclose(values(soft), expected, atol=2e-6)


def direct_svls(value, spacing, sigma):
    """Every voxel's sum over its neighbors one by one; beyond the image the border repeats."""
    reach = [max(1, int(sigma / step + 1e-3)) for step in spacing]
    result = np.zeros(value.shape)
    offsets = [o for o in itertools.product(*(range(-n, n + 1) for n in reach)) if any(o)]
    squared = np.array([sum((c * s) ** 2 for c, s in zip(o, spacing, strict=True)) for o in offsets])
    # Relative to the nearest neighbor: the weights are only ever used as shares.
    weights = np.exp(-(squared - squared.min()) / (2 * sigma**2))
    for voxel in np.ndindex(value.shape):
        places = [tuple(np.clip(np.add(voxel, o), 0, np.array(value.shape) - 1)) for o in offsets]
        neighbors = sum(w * value[p] for w, p in zip(weights, places, strict=True)) / weights.sum()
        result[voxel] = 0.5 * value[voxel] + 0.5 * neighbors
    return result


@settings(max_examples=40)
@given(drawn=drawings(most=4, spacings=(0.9, 1.0, 3.0)), sigma=st.sampled_from([0.25, 0.7, 1.0, 2.1]))
def test_svls_is_a_direct_sum_over_the_kernel(drawn, sigma):
    raters = [drawn.core, second_rater(drawn)]
    soft = soften(raters, None, drawn.spacing, method="svls", merge="soft-union", gamma=0.4, sigma_mm=sigma)
    np.testing.assert_allclose(values(soft), direct_svls(merged(drawn, 0.4), drawn.spacing, sigma), atol=2e-5)


def test_svls_narrower_than_a_fifth_of_a_voxel_is_taken_as_that_and_still_gives_neighbors_a_half():
    core = np.zeros((3, 3, 5), bool)
    core[1, 1, 2] = True
    narrow, limit = (values(soften(core, None, (3, 1, 2), method="svls", sigma_mm=s)) for s in (1e-6, 0.2))
    np.testing.assert_array_equal(narrow, limit)
    np.testing.assert_allclose(narrow[1, :, 2], [0.25, 0.5, 0.25], atol=1e-4)


def test_svls_at_1_mm_is_the_published_kernel():
    core = np.zeros((5, 5, 5), bool)
    core[2, 2, 2] = True
    found = values(soften(core, method="svls"))
    # Weights exp(−1/2), exp(−1), exp(−3/2) for faces, edges, corners; a half for the center.
    total = 6 * np.exp(-0.5) + 12 * np.exp(-1) + 8 * np.exp(-1.5)
    steps = np.abs(np.indices(core.shape) - 2)
    expected = np.where(steps.max(axis=0) == 1, 0.5 * np.exp(-steps.sum(axis=0) / 2) / total, 0)
    expected[2, 2, 2] = 0.5
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.sum() == pytest.approx(1)


@given(seed=st.integers(0, 1000), sigma=WIDTHS)
def test_svls_and_gaussian_of_several_raters_average_what_each_alone_gives(seed, sigma):
    rng = np.random.default_rng(seed)
    raters = [rng.random((4, 5, 6)) < 0.2 for _ in range(2)]
    for method in ("svls", "gaussian"):
        each = [values(soften(r, None, (2.0, 1.0, 0.8), method=method, sigma_mm=sigma)) for r in raters]
        together = soften(raters, None, (2.0, 1.0, 0.8), method=method, merge="soft-union", gamma=0.5, sigma_mm=sigma)
        np.testing.assert_allclose(values(together), np.mean(each, axis=0), atol=2e-6)


def brute_force_ramp(drawn, mask, half_width):
    """Distance of each voxel center to the nearest box of the other kind."""
    points = np.indices(mask.shape).reshape(3, -1).T
    steps = np.abs(points[:, None, :] - points[None, :, :])
    gaps = np.linalg.norm(np.maximum(steps - 0.5, 0) * np.asarray(drawn.spacing), axis=-1)
    flat = mask.ravel()
    to_inside = gaps[:, flat].min(axis=1, initial=np.inf)
    to_outside = gaps[:, ~flat].min(axis=1, initial=np.inf)
    signed = np.where(flat, -to_outside, to_inside)
    return np.clip(0.5 - signed / (2 * half_width), 0, 1).reshape(mask.shape)


@given(drawn=drawings(most=6), half_width=WIDTHS)
def test_the_ramp_follows_the_distance_to_the_border_and_is_summed_over_levels(drawn, half_width):
    other = second_rater(drawn)
    soft = soften(
        [drawn.core, other], None, drawn.spacing, method="ramp", merge="soft-union", gamma=0.3, radius_mm=half_width
    )
    certain = brute_force_ramp(drawn, drawn.core & other, half_width)
    anywhere = brute_force_ramp(drawn, drawn.core | other, half_width)
    np.testing.assert_allclose(values(soft), 0.7 * certain + 0.3 * anywhere, atol=1e-5)


def test_the_ramp_is_worked_out_by_hand_on_thick_slices():
    core = np.zeros((3, 1, 8), bool)
    core[1, 0, 2:6] = True
    found = values(soften(core, None, (3.0, 1.0, 1.0), method="ramp", radius_mm=2.0))
    # Faces lie half a voxel from centers: 0.5, 1.5 mm in the slice, 1.5 mm across it.
    np.testing.assert_allclose(found[1, 0], [0.125, 0.375, 0.625, 0.875, 0.875, 0.625, 0.375, 0.125], atol=1e-6)
    np.testing.assert_allclose(found[0, 0, 3:5], 0.5 - 1.5 / 4, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@given(drawn=drawings(most=6), width=WIDTHS)
def test_values_stay_between_0_and_1_and_another_storage_order_changes_nothing(method, drawn, width):
    options = {"method": method, "sigma_mm": width, "radius_mm": width}
    before = values(soften(drawn.core, None, drawn.spacing, **options))
    assert before.min() >= 0
    assert before.max() <= 1
    turned = np.transpose(drawn.core, (2, 0, 1))[:, ::-1]
    spacing = tuple(drawn.spacing[axis] for axis in (2, 0, 1))
    after = values(soften(turned, None, spacing, **options))
    np.testing.assert_allclose(after, np.transpose(before, (2, 0, 1))[:, ::-1], atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_far_inside_it_stays_1_far_outside_0_and_the_border_of_the_image_is_no_border_of_a_lesion(method):
    core = np.zeros((20, 20, 30), bool)
    core[:, :, 15:] = True  # reaches the border on five sides
    found = values(soften(core, method=method))
    assert np.all(found[:, :, 20:] == pytest.approx(1, abs=1e-3))
    assert np.all(found[:, :, :10] == pytest.approx(0, abs=1e-3))
    assert np.all(found[:, :, 15] < 1)
    assert np.all(found[:, :, 14] > 0)
    assert np.ptp(found[:, :, 15]) < 1e-6, "the same at the edge of the image as in its middle"


def test_the_user_is_told_of_lesions_that_a_gaussian_leaves_below_a_half():
    core = np.zeros((12, 12, 12), bool)
    core[2, 2, 2] = True
    core[6:11, 6:11, 6:11] = True
    soft = soften(core, method="gaussian")
    assert len(soft.warnings) == 1
    assert soft.warnings[0].startswith("1 small lesion")
    assert soften(core, method="svls").warnings == ()
