"""Lesions that appear, grow, shrink, go, merge and stay, each called what it is; swapped visits give the mirrored answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from MSSoftSegLib.change.classes import MIRRORED, ChangeClass
from MSSoftSegLib.change.comparison import compare_visits
from MSSoftSegLib.change.graph import LEAST_SHARED
from MSSoftSegLib.change.maps import midpoint_maps, native_maps
from MSSoftSegLib.change.membership import soft_lesions
from MSSoftSegLib.exam.geometry import voxels
from Testing.MSSoftSegLib.change.small_visits import Spot, pose, visit, way

BEFORE = [
    Spot((-12, 0, 0), 5),
    Spot((12, 0, 0), 4),
    Spot((0, 14, 4), 3),
    Spot((0, -14, -4), 4.5),
    Spot((-4, -3, 12), 2.5),
    Spot((4, -3, 12), 2.5),
]
AFTER = [
    Spot((-12, 0, 0), 5),
    Spot((12, 0, 0), 6),
    Spot((0, 14, -8), 3),
    Spot((0, -14, -4), 3),
    Spot((-4, -3, 12), 4.2),
    Spot((4, -3, 12), 4.2),
]
POSES = (pose(4, (2, 1, -3)), pose(-3, (-2, 0, 2)))


@pytest.fixture(scope="module")
def compared():
    """The six lesions at two visits in different poses, with other gain and noise, and the same swapped."""
    before = visit(BEFORE, where=POSES[0])
    after = visit(AFTER, name="after", where=POSES[1], seed=2, gain=140)
    return compare_visits(before, after, way(*POSES)), compare_visits(after, before, way(*POSES[::-1]))


def test_every_lesion_is_called_what_became_of_it(compared):
    classes = sorted(row.change for row in compared[0].changes)
    assert classes == sorted(set(ChangeClass) - {ChangeClass.SPLIT, ChangeClass.NOT_DECIDABLE})


def test_swapped_visits_give_the_mirrored_answer(compared):
    forth, back = compared
    assert len(forth.changes) == len(back.changes)
    for one, other in zip(forth.changes, back.changes, strict=True):
        assert other.change is MIRRORED[one.change]
        assert (one.group.before, one.group.after) == (other.group.after, other.group.before)
        assert other.decision.probability == pytest.approx(one.decision.probability, abs=1e-4)
        assert (one.before_mm3, one.after_mm3) == (other.after_mm3, other.before_mm3)
        assert other.center_ras_mm == pytest.approx(one.center_ras_mm, abs=1e-3)
    first, second = (voxels(midpoint_maps(each).change) for each in compared)
    assert np.allclose(first, -second, atol=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_swapping_mirrors_random_lesions_too(seed):
    rng = np.random.default_rng(seed)

    def some():
        return [
            Spot(tuple(rng.uniform(-13, 13, 3)), float(rng.uniform(1.5, 5)), float(rng.uniform(0.4, 1)))
            for _ in range(8)
        ]

    before, after = visit(some(), noise=0.05), visit(some(), name="after", noise=0.05, seed=seed + 5, where=POSES[1])
    forth = compare_visits(before, after, way(after=POSES[1]))
    back = compare_visits(after, before, way(before=POSES[1]))
    assert [MIRRORED[row.change] for row in forth.changes] == [row.change for row in back.changes]


def test_an_unchanged_head_has_only_stable_lesions():
    one = visit(BEFORE, where=POSES[0], noise=0.05)
    other = visit(BEFORE, name="after", where=POSES[1], noise=0.05, seed=9, gain=80, slices_mm=3)
    assert {row.change for row in compare_visits(one, other, way(*POSES)).changes} == {ChangeClass.STABLE}


def test_a_lesion_that_only_the_maps_see_does_not_make_a_new_lesion_of_nothing():
    doubtful = visit([*BEFORE, Spot((0, 0, -14), 2, 0.55)], name="after", seed=3)
    same_image = replace(doubtful, working=visit(BEFORE, seed=3).working)
    rows = compare_visits(visit(BEFORE), same_image, way()).changes
    alone = [row for row in rows if not row.group.before]
    assert len(alone) == 1
    assert alone[0].change in (ChangeClass.STABLE, ChangeClass.NOT_DECIDABLE)
    assert alone[0].decision.reason


def test_what_one_visit_does_not_cover_is_not_decidable_and_says_so():
    low, high = Spot((0, 0, -20), 3), Spot((0, 0, 12), 4)
    whole, upper = visit([high, low]), visit([high], name="after", seed=2, lowest_mm=-12.0)
    rows = {row.center_ras_mm[2] > 30: row for row in compare_visits(whole, upper, way()).changes}
    assert rows[True].change is ChangeClass.STABLE
    assert rows[False].change is ChangeClass.NOT_DECIDABLE
    assert rows[False].decision.probability is None
    assert "only one visit" in rows[False].decision.reason


def test_per_cent_decide_where_they_are_asked_for():
    grown = visit([Spot((0, 0, 0), 5.4)], name="after", seed=2)
    rows = {p: compare_visits(visit([Spot((0, 0, 0), 5)]), grown, way(), percent=p).changes for p in (10.0, 60.0)}
    assert rows[10.0][0].change is ChangeClass.ENLARGING
    assert rows[60.0][0].change is ChangeClass.STABLE


def test_two_visits_without_lesions_give_an_empty_table():
    assert compare_visits(visit([]), visit([], name="after", seed=2), way()).changes == ()


def test_membership_is_carried_softly_and_keeps_its_volume():
    thick = visit([Spot((0, 0, 0), 4)], where=POSES[0], slices_mm=4)
    half = way(*POSES)
    comparison = compare_visits(thick, visit([], name="after", seed=2, where=POSES[1]), half)
    (lesion,) = soft_lesions(
        thick.native_instances, comparison.midpoint.before.native_from_midpoint, comparison.midpoint.grid
    )
    assert lesion.fraction.sum() == pytest.approx(lesion.volume_mm3, rel=0.03)
    assert ((lesion.fraction > 0.05) & (lesion.fraction < 0.95)).sum() > 20


def test_neighbors_that_hardly_touch_stay_two_groups():
    assert LEAST_SHARED > 0.1
    two = [Spot((-5, 0, 0), 3), Spot((3, 0, 0), 3)]
    assert len(compare_visits(visit(two), visit(two, name="after", seed=2), way()).changes) == 2


def test_maps_lie_on_each_visits_own_grid_with_the_groups_numbers(compared):
    forth = compared[0]
    between = midpoint_maps(forth)
    for own, maps, place in zip(
        (forth.before, forth.after), native_maps(forth, between), ("before", "after"), strict=True
    ):
        assert maps.change.GetSize() == own.native_instances.GetSize()
        labels, instances = voxels(maps.labels), voxels(own.native_instances)
        for row in forth.changes:
            assert set(np.unique(instances[labels == row.group.id])) == set(getattr(row.group, place))
    new = next(row for row in forth.changes if row.change is ChangeClass.NEW)
    grown = voxels(native_maps(forth, between)[1].change)[voxels(native_maps(forth, between)[1].labels) == new.group.id]
    assert grown.max() > 0.8
    assert grown.min() > 0
