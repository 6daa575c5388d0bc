"""What the lesion masks do not tell: foci below their threshold, and changes in one place of a large lesion."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from MSSoftSegLib.change.calibration import MOST_SCORE, SHIPPED, change_probability, volume_score
from MSSoftSegLib.change.classes import CHANGED, LEAST_SHOWN_Z, MIRRORED, MOST_UNSHOWN, ChangeClass, decide
from MSSoftSegLib.change.comparison import compare_visits
from MSSoftSegLib.change.evidence import Evidence, _strongest
from MSSoftSegLib.change.graph import Group, domains
from MSSoftSegLib.change.history import lesion_histories
from MSSoftSegLib.change.maps import _draw_faint, midpoint_maps, native_maps
from MSSoftSegLib.change.membership import SoftLesion
from MSSoftSegLib.exam.geometry import Grid, voxels
from Testing.MSSoftSegLib.change.small_visits import MIDDLE, Spot, pose, visit, way

OLD = [Spot((-12, 0, 0), 5), Spot((12, 0, 0), 4)]
# Surer than a faint focus needs to be, less sure than the lesion mask asks for.
FAINT = Spot((0, 14, 6), 4.5, 0.45)
PLAQUE = Spot((-6, 0, 0), 9)
BUD = Spot((5, 0, 0), 4)


def ras(place):
    """A spot's place in the space between of heads that did not move."""
    return (MIDDLE + place) * (-1, -1, 1)


def of_faint(rows):
    return [row for row in rows if row.group.is_faint]


@pytest.fixture(scope="module")
def faint():
    """A focus below the threshold that appears, and the same swapped."""
    before, after = visit(OLD), visit([*OLD, FAINT], name="after", seed=2)
    return compare_visits(before, after, way()), compare_visits(after, before, way())


def test_a_focus_below_the_threshold_that_appears_in_map_and_image_is_found_where_it_is(faint):
    (row,) = of_faint(faint[0].changes)
    assert row.change in (ChangeClass.NEW, ChangeClass.NOT_DECIDABLE)
    assert "new" in row.decision.reason or row.change is ChangeClass.NEW
    assert row.evidence.sign == 1
    assert np.linalg.norm(np.subtract(row.center_ras_mm, ras(FAINT.place))) < 1.5
    assert row.before_mm3 == 0
    assert 0.2 < row.after_mm3 / (4 / 3 * np.pi * FAINT.radius_mm**3) < 0.6


def test_swapped_it_is_one_that_went(faint):
    (forth,), (back,) = (of_faint(each.changes) for each in faint)
    assert back.change is MIRRORED[forth.change]
    assert back.decision.probability == pytest.approx(forth.decision.probability, abs=1e-6)
    assert (back.before_mm3, back.after_mm3) == (forth.after_mm3, forth.before_mm3)


def test_it_is_drawn_and_has_a_history_of_its_own(faint):
    (row,) = of_faint(faint[0].changes)
    assert (voxels(midpoint_maps(faint[0]).labels) == row.group.id).sum() > 50
    histories = lesion_histories([faint[0]])
    assert sorted((len(each.lesions[1]), each.faint) for each in histories) == [
        (0, (False, True)),
        (1, (False, False)),
        (1, (False, False)),
    ]
    (own,) = (each for each in histories if each.faint[1])
    assert (own.groups, own.volumes_mm3) == (((row.group.id,),), (0.0, row.after_mm3))


SEEN = Spot(FAINT.place, FAINT.radius_mm)
TURNED = [
    pose(2.0, (1.0, -2.0, 0.0)),
    pose(-3.0, (0.0, 1.0, 2.0)),
    pose(1.0, (-2.0, 0.0, 1.0)),
    pose(0.0, (1.0, 1.0, 1.0)),
]


def histories_of(*series):
    """The history of a focus in a head that lies otherwise at every visit; the other lesions stay what they are."""
    visits = [visit([*OLD, *spots], name=f"visit {n}", seed=n, where=TURNED[n]) for n, spots in enumerate(series)]
    ways = [way(one, other) for one, other in pairwise(TURNED[: len(visits)])]
    pairs = [compare_visits(*both, own) for both, own in zip(pairwise(visits), ways, strict=True)]
    found = lesion_histories(pairs)
    stable = [each for each in found if all(each.lesions)]
    assert len(stable) == len(OLD)
    assert not any(any(each.faint) for each in stable)
    return [each for each in found if not all(each.lesions)]


def test_a_faint_focus_that_becomes_a_lesion_is_one_history():
    (own,) = histories_of([], [FAINT], [SEEN])
    assert own.faint == (False, True, False)
    assert [len(each) for each in own.lesions] == [0, 0, 1]
    assert [len(each) for each in own.groups] == [1, 1]
    assert own.volumes_mm3[0] == 0 < own.volumes_mm3[1] < own.volumes_mm3[2]


def test_a_lesion_that_fades_and_goes_is_one_history():
    (own,) = histories_of([SEEN], [FAINT], [])
    assert own.faint == (False, True, False)
    assert [len(each) for each in own.groups] == [1, 1]
    assert own.volumes_mm3[0] > own.volumes_mm3[1] > own.volumes_mm3[2] == 0


def test_a_faint_focus_that_stays_is_not_said_to_have_gone():
    (own,) = histories_of([], [FAINT], [FAINT], [FAINT])
    assert own.faint == (False, True, True, True)
    assert [bool(each) for each in own.words] == [True, False, False]
    assert own.volumes_mm3[0] == 0
    assert own.volumes_mm3[2:] == pytest.approx([own.volumes_mm3[1]] * 2, rel=0.25)


def test_one_that_comes_back_after_it_went_is_a_history_of_its_own_as_of_lesions_of_the_mask():
    found = histories_of([], [FAINT], [], [FAINT])
    assert sorted(each.faint for each in found) == [(False, False, False, True), (False, True, False, False)]
    assert sorted([len(each) for each in own.groups] for own in found) == [[0, 0, 1], [1, 1, 0]]


def test_foci_in_other_places_are_other_histories():
    other = Spot((0, -14, -6), 4.5, 0.45)
    found = histories_of([], [FAINT], [FAINT, other])
    assert sorted(each.faint for each in found) == [(False, False, True), (False, True, True)]


@pytest.mark.parametrize("slices_mm", [1.0, 3.0, 6.0])
def test_it_is_labeled_on_the_voxels_of_the_visit_that_shows_it_and_nowhere_on_a_lesion(slices_mm):
    before = visit(OLD, slices_mm=slices_mm)
    after = visit([*OLD, FAINT], name="after", seed=2, slices_mm=slices_mm)
    for pair, shown in (((before, after), 1), ((after, before), 0)):
        comparison = compare_visits(*pair, way())
        (row,) = of_faint(comparison.changes)
        drawn = [voxels(maps.labels) for maps in native_maps(comparison, midpoint_maps(comparison))]
        assert not (drawn[1 - shown] == row.group.id).any()
        places = np.argwhere(drawn[shown] == row.group.id)
        assert not voxels(pair[shown].native_instances)[tuple(places.T)].any()
        middle = [float(axis) for axis in places.mean(axis=0)[::-1]]
        point = after.native_instances.TransformContinuousIndexToPhysicalPoint(middle)
        assert np.abs(np.subtract(point, MIDDLE + FAINT.place)).max() < 0.5 + slices_mm / 2
        ml = len(places) * np.prod(after.native_instances.GetSpacing())
        assert 0.3 < ml / (4 / 3 * np.pi * FAINT.radius_mm**3) < 1.7


def test_a_focus_too_small_for_half_a_voxel_is_labeled_all_the_same():
    grid = Grid((9, 9, 5), (1.0, 1.0, 6.0), (0.0, 0.0, 0.0), tuple(np.eye(3).ravel()))
    fine = Grid((9, 9, 25), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), grid.direction)
    focus = np.zeros((25, 9, 9), np.uint16)
    # Above the middle of a slice, which lies at 12 mm.
    focus[13:15, 3:6, 3:6] = 4
    labels, free = np.zeros((5, 9, 9), np.uint16), np.ones((5, 9, 9), bool)
    _draw_faint(labels, free, fine.image(focus), [4], sitk.Transform(3, sitk.sitkIdentity), grid)
    assert np.argwhere(labels == 4).tolist() == [[2, 4, 4]]
    free[2, 4, 4] = False
    labels[:] = 0
    _draw_faint(labels, free, fine.image(focus), [4], sitk.Transform(3, sitk.sitkIdentity), grid)
    assert not labels.any()


def test_what_the_image_does_not_show_is_no_faint_focus():
    after = visit([*OLD, FAINT], name="after", seed=2)
    same_image = replace(after, working=visit(OLD, seed=3).working)
    assert not of_faint(compare_visits(visit(OLD), same_image, way()).changes)


def test_a_focus_that_joins_a_large_plaque_is_a_change_there():
    rows = {}
    for name, spots in (("same", [PLAQUE]), ("joined", [PLAQUE, BUD])):
        (rows[name],) = compare_visits(visit([PLAQUE]), visit(spots, name="after", seed=2), way()).changes
    assert rows["same"].change is ChangeClass.STABLE
    assert rows["joined"].change is ChangeClass.ENLARGING
    assert rows["joined"].decision.is_local
    assert np.linalg.norm(np.subtract(rows["joined"].center_ras_mm, ras(BUD.place))) < 4


def test_a_lesion_that_moved_on_is_called_neither_grown_nor_shrunk():
    other_end = Spot((-17, 0, 0), 4)
    before, after = visit([PLAQUE, other_end]), visit([PLAQUE, BUD], name="after", seed=2)
    (row,) = compare_visits(before, after, way()).changes
    assert row.change is ChangeClass.NOT_DECIDABLE
    assert row.decision.reason == "one part grew and another shrank"


SIZES = st.floats(0.0, 3000.0)
EVIDENCE = st.builds(
    Evidence,
    sign=st.sampled_from((1, -1)),
    focus_mm3=st.floats(1.0, 2000.0),
    focus_peak=st.floats(0.0, 1.0),
    focus_z=st.floats(-8.0, 8.0),
    focus_entropy_nats=st.floats(0.0, 0.693),
    focus_place=st.just((0.0, 0.0, 0.0)),
    opposite_mm3=SIZES,
    opposite_z=st.floats(-8.0, 8.0),
    soft_before_mm3=SIZES,
    soft_after_mm3=SIZES,
    compared=st.floats(0.0, 1.0),
)
LESIONS = st.lists(st.integers(1, 50), max_size=3, unique=True).map(lambda n: tuple(sorted(n)))


@settings(max_examples=200, deadline=None)
@given(EVIDENCE, LESIONS, LESIONS)
def test_swapped_evidence_gives_the_mirrored_class(evidence, before, after):
    swapped = replace(
        evidence,
        sign=-evidence.sign,
        soft_before_mm3=evidence.soft_after_mm3,
        soft_after_mm3=evidence.soft_before_mm3,
    )
    forth, back = decide(Group(1, before, after), evidence), decide(Group(1, after, before), swapped)
    assert back.change is MIRRORED[forth.change]
    assert back.probability == pytest.approx(forth.probability)
    assert back.is_local == forth.is_local


@settings(max_examples=200, deadline=None)
@given(EVIDENCE, st.floats(0.1, 3.0))
def test_more_of_everything_that_speaks_for_change_never_makes_it_less_likely(evidence, more):
    likelier = replace(
        evidence,
        focus_z=evidence.focus_z + more,
        focus_mm3=evidence.focus_mm3 * (1 + more),
        focus_peak=min(evidence.focus_peak + more, 1.0),
    )
    assert change_probability(likelier) >= change_probability(evidence)
    assert 0 <= volume_score(evidence) <= MOST_SCORE


@settings(max_examples=100, deadline=None)
@given(EVIDENCE, LESIONS, LESIONS)
def test_a_change_is_named_only_from_its_probability_on(evidence, before, after):
    decision = decide(Group(1, before, after), evidence)
    if decision.change in CHANGED:
        assert decision.probability >= SHIPPED.changed_from
    if decision.change is ChangeClass.STABLE:
        assert decision.probability <= SHIPPED.stable_up_to


@settings(max_examples=300, deadline=None)
@given(EVIDENCE, LESIONS, LESIONS)
def test_new_and_resolved_are_said_only_where_the_image_shows_it(evidence, before, after):
    decision = decide(Group(1, before, after), evidence)
    if decision.change in (ChangeClass.NEW, ChangeClass.RESOLVED):
        assert evidence.sign == (1 if decision.change is ChangeClass.NEW else -1)
        assert evidence.focus_z >= LEAST_SHOWN_Z


# So sure, large and full that maps alone would name a change.
LOUD = Evidence(1, 900.0, 1.0, 0.0, 0.05, (0.0, 0.0, 0.0), 0.0, 0.0, 0.0, 900.0, 1.0)


@pytest.mark.parametrize(
    ("z", "sign", "said"),
    [
        (0.2, 1, "the images hardly do"),
        (-0.9, 1, "the images hardly do"),
        (-1.5, 1, "the images the other way"),
        (3.0, -1, "change the other way"),
    ],
)
def test_a_lesion_of_the_maps_alone_is_not_decidable_says_why_and_is_at_most_as_likely_as_not(z, sign, said):
    for mirrored in (False, True):
        group = Group(1, (1,), ()) if mirrored else Group(1, (), (1,))
        found = replace(LOUD, focus_z=z, sign=-sign if mirrored else sign)
        found = replace(found, soft_before_mm3=found.soft_after_mm3, soft_after_mm3=0.0) if mirrored else found
        assert change_probability(replace(found, focus_z=max(z, 0.0))) > MOST_UNSHOWN
        decision = decide(group, found)
        if decision.change is ChangeClass.STABLE:
            assert z < 0
            continue
        assert decision.change is ChangeClass.NOT_DECIDABLE
        assert said in decision.reason
        assert ("resolved" if mirrored else "new") in decision.reason
        assert decision.probability <= MOST_UNSHOWN


def test_lesions_that_share_a_voxel_alike_share_it_the_same_way_when_visits_are_swapped():
    shape = (12, 12, 12)

    def block(number, start):
        window = (slice(4, 8), slice(4, 8), slice(start, start + 4))
        return SoftLesion(number, 64.0, window, np.ones((4, 4, 4), np.float32))

    one, other = block(1, 3), block(1, 6)
    forth = domains([Group(1, (), (1,)), Group(2, (1,), ())], [one], [other], shape)
    back = domains([Group(1, (1,), ()), Group(2, (), (1,))], [other], [one], shape)
    assert set(np.unique(forth)) == {0, 1, 2}
    assert np.array_equal(forth, back)


def test_of_places_that_say_the_same_the_first_in_the_image_counts_whichever_visit_came_first():
    difference = np.zeros((3, 3, 9))
    difference[1, 1, 1:3], difference[1, 1, 6:8] = 0.5, -0.5
    gained, lost = (_strongest(sign * difference, np.ones_like(difference)) for sign in (1, -1))
    assert gained.is_before(lost)
    assert not lost.is_before(gained)
