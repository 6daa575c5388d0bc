"""Where lesions lie, in a brain whose distances are known by construction."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from MSSoftSegLib.exam.geometry import Grid, resample
from MSSoftSegLib.region.longest_axis import longest_axis_mm
from MSSoftSegLib.region.places import place_lesions
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.region.regions import Place, Region
from Testing.MSSoftSegLib.region.box_brain import GRID, box_brain, lesion

BRAIN = box_brain()


def placed(array, brain=BRAIN):
    return place_lesions(GRID.image(array), brain)[0]


@pytest.mark.parametrize("gap", [0, 1, 4, 11])
def test_the_distance_to_the_ventricle_is_the_gap_of_voxels_between(gap):
    assert placed(lesion((10 + gap, 16 + gap))).distance_to_ventricle_mm == pytest.approx(gap + 0.5, abs=0.51)


def test_a_lesion_at_the_wall_is_periventricular_and_one_in_the_middle_is_deep_white():
    at_the_wall, middle = placed(lesion((10, 16))), placed(lesion((27, 33)))
    assert at_the_wall.places == (Place.PERIVENTRICULAR,)
    assert middle.places == (Place.DEEP_WHITE,)
    assert middle.membership[Place.PERIVENTRICULAR] < 0.01 > middle.membership[Place.JUXTACORTICAL]


def test_a_lesion_three_millimeters_from_the_wall_is_no_longer_periventricular():
    assert placed(lesion((14, 20))).membership[Place.PERIVENTRICULAR] < 0.1


def test_a_confluent_lesion_from_ventricle_to_cortex_is_both_and_its_volume_is_shared_out():
    confluent = placed(lesion((10, 50)))
    assert set(confluent.places) == {Place.PERIVENTRICULAR, Place.JUXTACORTICAL}
    # 5 of 40 mm lie within 5 mm of the ventricle (half a voxel either way), 2 within 2 mm of cortex.
    assert confluent.share[Place.PERIVENTRICULAR] == pytest.approx(5 / 40, abs=1 / 40)
    assert confluent.share[Place.JUXTACORTICAL] == pytest.approx(2 / 40, abs=1 / 40)
    assert confluent.share[Place.DEEP_WHITE] > 0.75


def test_a_large_lesion_that_reaches_below_the_tentorium_is_infratentorial_too():
    tall = placed(lesion((27, 33), z=(5, 25)))
    assert tall.membership[Place.INFRATENTORIAL] == 1
    assert tall.share[Place.INFRATENTORIAL] == pytest.approx(0.25)


def test_what_is_named_first_does_not_hang_on_volume_unless_it_holds_most_of_the_lesion():
    at_both = placed(lesion((10, 50)) | lesion((40, 50), y=(2, 20)))
    assert at_both.share[Place.JUXTACORTICAL] > at_both.share[Place.PERIVENTRICULAR]
    assert at_both.places == (Place.PERIVENTRICULAR, Place.JUXTACORTICAL)
    reaching, mostly = placed(lesion((10, 16), z=(5, 25))), placed(lesion((10, 16), z=(0, 17)))
    assert reaching.places[-1] == mostly.places[0] == Place.INFRATENTORIAL
    assert reaching.place is not Place.INFRATENTORIAL


def test_a_lesion_of_the_thalamus_at_the_ventricle_is_deep_gray_and_not_periventricular():
    """Both definitions leave out deep gray matter."""
    assert placed(lesion((10, 16), y=(31, 38))).places == (Place.DEEP_GRAY,)


def test_a_callosal_lesion_is_periventricular_wherever_the_ventricle_is():
    callosum = lesion((27, 33)).astype(np.float32)
    maps = {**BRAIN.probability, Region.CORPUS_CALLOSUM: GRID.image(callosum)}
    assert placed(lesion((27, 33)), RegionMap(maps, "boxes")).places == (Place.PERIVENTRICULAR,)


def test_without_a_ventricle_in_the_map_there_is_no_distance_to_one():
    empty = GRID.image(np.zeros(GRID.size[::-1], np.float32))
    unknown = placed(lesion((10, 16)), RegionMap({**BRAIN.probability, Region.LATERAL_VENTRICLE: empty}, "boxes"))
    assert unknown.distance_to_ventricle_mm is None
    assert unknown.membership[Place.PERIVENTRICULAR] == 0


@settings(max_examples=20)
@given(x=st.integers(10, 45), width=st.integers(1, 4), y=st.integers(2, 34), z=st.integers(2, 24))
def test_shares_sum_to_one_and_memberships_lie_between_0_and_1(x, width, y, z):
    found = placed(lesion((x, x + width), y=(y, y + 3), z=(z, z + 3)))
    assert sum(found.share.values()) == pytest.approx(1)
    assert all(0 <= value <= 1 for value in found.membership.values())
    assert found.place in found.places


def test_a_lesion_on_thick_slices_of_another_space_is_found_where_it_lies():
    """The same lesion on slices of 5 mm, in a scanner where the head lay 12 mm higher and turned."""
    array = lesion((10, 20), y=(8, 18), z=(15, 25))
    motion = sitk.Euler3DTransform((10.0, 20.0, 20.0), 0.1, -0.05, 0.2, (1.0, -3.0, 12.0))
    thick = Grid((80, 80, 12), (1.0, 1.0, 5.0), (-40.0, -20.0, -10.0), GRID.direction)
    seen = resample(GRID.image(array), thick, source_from_grid=motion) >= 0.5
    (there,), here = place_lesions(sitk.Cast(seen, sitk.sitkUInt16), BRAIN, motion), placed(array)
    assert there.places == here.places
    assert there.distance_to_ventricle_mm == pytest.approx(here.distance_to_ventricle_mm, abs=1.0)


def test_instances_keep_their_numbers_and_none_is_left_out():
    array = lesion((10, 13)) + 3 * lesion((30, 33))
    assert [(p.id, p.place) for p in place_lesions(GRID.image(array), BRAIN)] == [
        (1, Place.PERIVENTRICULAR),
        (3, Place.DEEP_WHITE),
    ]
    assert place_lesions(GRID.image(np.zeros_like(array)), BRAIN) == ()


def test_three_voxels_in_a_row_are_three_millimeters_long():
    assert longest_axis_mm(np.array([[4, 4, x] for x in (7, 8, 9)]), GRID) == 3.0


def test_thick_slices_do_not_make_a_lesion_long():
    thick = Grid((50, 50, 20), (0.9, 0.9, 7.0), (0.0, 0.0, 0.0), GRID.direction)
    column = np.array([[z, 4, x] for z in (2, 3, 4) for x in (10, 11)])
    assert longest_axis_mm(column, thick) == pytest.approx(1.8)


@settings(max_examples=10)
@given(half=st.tuples(*[st.integers(1, 9)] * 3))
def test_the_axis_of_a_box_is_its_diagonal_between_voxels_and_one_voxel(half):
    index = np.argwhere(np.ones(half))
    expected = np.sqrt(sum((n - 1) ** 2 for n in half)) + 1
    assert longest_axis_mm(index, GRID) == pytest.approx(expected, abs=1e-6)
