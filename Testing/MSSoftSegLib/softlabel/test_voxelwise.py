"""Voxel-specific gamma: bounded, monotone in brightness and distance, and the formula by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from Testing.MSSoftSegLib.softlabel.made_masks import drawings, soften, values


def line(flair, radius_mm=4.0, gamma=0.8):
    """A lesion of the first two voxels on a line of 1 mm; FLAIR 110 and 90, so mean 100 and SD 10."""
    core = np.zeros((1, 1, len(flair)), bool)
    core[0, 0, :2] = True
    return values(soften(core, [[flair]], method="voxelwise", radius_mm=radius_mm, gamma=gamma))[0, 0]


def test_gamma_is_worked_out_by_hand():
    # Two SD below the mean is 80: 100 counts fully, 90 a half, 80 and less nothing. Weight 1 − d/8.
    found = line([110, 90, 100, 90, 80, 200, 300])
    expected = [1, 1, 0.8 * 7 / 8, 0.8 * 0.5 * 6 / 8, 0, 0.8 * 4 / 8, 0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@given(drawn=drawings(), radius=st.sampled_from([1.0, 2.0, 3.2]), gamma=st.sampled_from([0.0, 0.3, 1.0]))
def test_gamma_lies_between_nothing_and_the_given_one_inside_the_radius_only(drawn, radius, gamma):
    soft = soften(drawn.core, drawn.flair, drawn.spacing, method="voxelwise", radius_mm=radius, gamma=gamma)
    outside = values(soft)[~drawn.core]
    assert np.all(values(soft)[drawn.core] == 1)
    assert outside.size == 0 or 0 <= outside.min() <= outside.max() <= np.float32(gamma)
    assert soft.shell_voxels == np.count_nonzero(outside)
    if drawn.core.any():
        near = (drawn.distances_mm().min(axis=1) <= radius + 1e-3).reshape(drawn.core.shape)
        assert not np.any(values(soft)[~near])


@given(drawn=drawings(), brighter=st.integers(1, 40), seed=st.integers(0, 1000))
def test_a_brighter_voxel_outside_never_gets_less(drawn, brighter, seed):
    raised = np.random.default_rng(seed).random(drawn.core.shape) < 0.5
    flair = drawn.flair + brighter * (raised & ~drawn.core)
    before = values(soften(drawn.core, drawn.flair, drawn.spacing, method="voxelwise", radius_mm=3.0))
    after = values(soften(drawn.core, flair, drawn.spacing, method="voxelwise", radius_mm=3.0))
    assert np.all(after >= before)


def test_among_equally_bright_voxels_the_farther_never_gets_more():
    found = line([110, 90, *([97.0] * 6)], radius_mm=5.0)[2:]
    assert np.all(np.diff(found[:5]) < 0)
    assert found[5] == 0


@given(drawn=drawings(most=6), scale=st.sampled_from([0.5, 4.0]), shift=st.integers(-20, 20))
def test_the_units_of_flair_do_not_matter(drawn, scale, shift):
    before = values(soften(drawn.core, drawn.flair, drawn.spacing, method="voxelwise", radius_mm=2.0))
    after = values(soften(drawn.core, drawn.flair * scale + shift, drawn.spacing, method="voxelwise", radius_mm=2.0))
    np.testing.assert_allclose(after, before, atol=1e-5)


def test_the_shell_of_the_thesis_is_part_of_it():
    rng = np.random.default_rng(4)
    core, flair = rng.random((8, 9, 10)) < 0.05, rng.normal(100, 10, (8, 9, 10))
    thesis = values(soften(core, flair, method="barilan", radius_mm=2.0)) > 0
    assert np.all(values(soften(core, flair, method="voxelwise", radius_mm=2.0))[thesis] > 0)


def test_a_lone_voxel_has_no_spread_and_takes_what_is_at_least_as_bright():
    core = np.array([[[0, 1, 0, 0]]], bool)
    found = values(soften(core, [[[50, 50, 49, 90]]], method="voxelwise", radius_mm=2.0, gamma=1.0))
    np.testing.assert_allclose(found, [[[0.75, 1, 0, 0.5]]], atol=1e-6)


def test_near_two_lesions_the_larger_value_stands():
    core, flair = np.zeros((1, 1, 7), bool), np.full((1, 1, 7), 20.0)
    core[0, 0, 1] = core[0, 0, 5] = True
    flair[0, 0, [1, 5]] = 50, 10
    found = values(soften(core, flair, method="voxelwise", radius_mm=4.0, gamma=1.0))[0, 0]
    # FLAIR 20 is far below the first lesion and above the second: each counts by the distance to the second alone.
    np.testing.assert_allclose(found[[2, 3, 4, 6]], [1 - 3 / 8, 1 - 2 / 8, 1 - 1 / 8, 1 - 1 / 8], atol=1e-6)


def test_halving_the_voxels_leaves_what_a_place_gets():
    coarse = line([110, 90, 95, 95, 95], radius_mm=3.0)
    core = np.zeros((1, 1, 10), bool)
    core[0, 0, :3] = True  # its last voxel center lies where the coarse one's did, at 1 mm
    flair = [[[110, 100, 90, 95, 95, 95, 95, 95, 95, 95]]]
    fine = values(soften(core, flair, (1.0, 1.0, 0.5), method="voxelwise", radius_mm=3.0, gamma=0.8))[0, 0]
    # The spread differs a little (the lesion has another voxel): the ratio by distance is what must agree.
    assert fine[6] / fine[4] == pytest.approx(coarse[3] / coarse[2], rel=1e-6)
