"""Kats' growth: exactly the size that is asked for, nearest and brightest first, none below the threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from Testing.MSSoftSegLib.softlabel.made_masks import drawings, soften, values


@given(drawn=drawings(), size=st.sampled_from([100, 110, 120, 140, 300, 1000]), threshold=st.sampled_from([None, 0, 9]))
def test_the_shell_is_the_nearest_and_then_brightest_of_all_voxels_above_the_threshold(drawn, size, threshold):
    soft = soften(
        drawn.core,
        drawn.flair,
        drawn.spacing,
        method="kats",
        size_percent=size,
        flair_threshold=threshold,
        gamma=0.3,
    )
    shell = (values(soft) > 0) & ~drawn.core
    assert soft.shell_voxels == shell.sum()
    if not drawn.core.any():
        assert not shell.any()
        return
    inside = drawn.flair[drawn.core]
    lowest = inside.mean() - inside.std() if threshold is None else threshold
    allowed = (~drawn.core & (drawn.flair >= lowest)).ravel()
    distance = np.round(drawn.distances_mm().min(axis=1), 3)
    order = sorted(zip(distance[allowed], -drawn.flair.ravel()[allowed], strict=True))
    wanted = round((size - 100) * int(drawn.core.sum()) / 100)
    chosen = shell.ravel()
    assert sorted(zip(distance[chosen], -drawn.flair.ravel()[chosen], strict=True)) == order[:wanted]
    assert bool(soft.warnings) == (len(order) < wanted)
    np.testing.assert_array_equal(values(soft)[shell], np.float32(0.3))
    assert np.all(values(soft)[drawn.core] == 1)


@pytest.mark.parametrize(("size", "voxels"), [(100, 0), (110, 3), (120, 5), (140, 11), (300, 54)])
def test_27_voxels_grow_by_the_rounded_share(size, voxels):
    core = np.zeros((12, 12, 12), bool)
    core[4:7, 4:7, 4:7] = True
    flair = np.random.default_rng(1).normal(100, 5, core.shape)
    soft = soften(core, flair, method="kats", size_percent=size, flair_threshold=0)
    assert soft.shell_voxels == voxels
    assert soft.warnings == ()


def test_voxels_below_the_threshold_are_passed_over_however_near_they_are():
    core, flair = np.zeros((1, 1, 60), bool), np.zeros((1, 1, 60))
    core[0, 0, 20:30] = True
    flair[0, 0, 55:] = 5
    soft = soften(core, flair, method="kats", size_percent=120, flair_threshold=5)
    assert np.flatnonzero(values(soft)[0, 0] == 0.5).tolist() == [55, 56], "26 mm away: there is no cap"


def test_when_candidates_run_out_all_are_taken_and_the_user_is_told_how_far_it_came():
    core, flair = np.zeros((1, 1, 30), bool), np.zeros((1, 1, 30))
    core[0, 0, 10:20] = True
    flair[0, 0, 9] = 5
    soft = soften(core, flair, method="kats", size_percent=140, flair_threshold=5)
    assert soft.shell_voxels == 1
    assert len(soft.warnings) == 1
    assert "1 of 4" in soft.warnings[0]
    assert "110.0 per cent" in soft.warnings[0]


def test_distance_is_counted_in_mm_not_in_voxels():
    core, flair = np.zeros((5, 5, 5), bool), np.ones((5, 5, 5))
    core[2, 2, 1:4] = True  # 3 voxels: 200 per cent is 3 more
    flair[1, 2, 2] = flair[3, 2, 2] = 9  # bright, but 3 mm away
    soft = values(soften(core, flair, (3.0, 1.0, 1.0), method="kats", size_percent=200, flair_threshold=0))
    assert (soft > 0).sum(axis=(1, 2)).tolist() == [0, 0, 6, 0, 0]


def test_with_an_empty_core_nothing_grows_and_disagreement_stays():
    first, second = np.zeros((2, 3, 4), int), np.zeros((2, 3, 4), int)
    first[0, 0, 0] = second[1, 2, 3] = 1
    soft = soften([first, second], np.ones((2, 3, 4)), method="kats", merge="soft-union", gamma=0.5)
    assert soft.core_volume_ml == 0
    assert np.count_nonzero(values(soft)) == 2
    assert soft.warnings == ()
