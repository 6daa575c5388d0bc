"""Where a sample is laid: around its voxel, and within the case where it can be."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from MSSoftSegLib.training.data.augmentation.spatial import SpatialDraw
from MSSoftSegLib.training.data.choice import JITTER, PlaceDraw, window_for
from MSSoftSegLib.training.recipe import SamplingSettings

SHAPE = (40, 48, 36)
voxels = st.tuples(*[st.integers(0, n - 1) for n in SHAPE])
jitters = st.tuples(*[st.floats(-JITTER, JITTER)] * 3)
sizes = st.tuples(*[st.integers(8, 60)] * 3)
turned = st.builds(SpatialDraw, flip=st.tuples(*[st.booleans()] * 3), quarter_turns=st.integers(0, 3))
angles = st.floats(-180, 180)
moved = st.builds(
    SpatialDraw,
    rotation_deg=st.tuples(angles, angles, angles),
    scale=st.floats(0.8, 1.25),
    quarter_turns=st.integers(0, 3),
    transpose=st.booleans(),
)


@settings(max_examples=200)
@given(voxel=voxels, jitter=jitters, size=sizes, draw=moved | turned)
def test_the_voxel_lies_in_the_sample_however_near_to_the_edge_of_the_case_it_is(voxel, jitter, size, draw):
    place = PlaceDraw(0, True, voxel, jitter)
    window = window_for(place, SHAPE, SamplingSettings(mode="patch", size=size), draw, bend_voxels=0.0)
    assert window.size == size
    # Where the sample shows it, from the sample's center.
    shown_at = np.linalg.solve(draw.case_from_sample(), np.array(voxel) - window.center)
    assert np.all(np.abs(shown_at) <= (np.array(size) - 1) / 2 + 1e-6)


@settings(max_examples=100)
@given(voxel=voxels, jitter=jitters, size=sizes, draw=turned)
def test_a_sample_that_fits_into_the_case_lies_within_it_and_a_larger_one_holds_it_all(voxel, jitter, size, draw):
    place = PlaceDraw(0, True, voxel, jitter)
    window = window_for(place, SHAPE, SamplingSettings(mode="patch", size=size), draw, bend_voxels=0.0)
    extent = np.abs(draw.turns()) @ np.array(size)
    first = np.array(window.center) - (extent - 1) / 2
    # On the voxels of the case, so that nothing has to be interpolated.
    np.testing.assert_array_equal(first, np.rint(first))
    last = first + extent - 1
    for axis, side in enumerate(SHAPE):
        if extent[axis] <= side:
            assert first[axis] >= 0
            assert last[axis] <= side - 1
        else:
            assert first[axis] <= 0
            assert last[axis] >= side - 1


@settings(max_examples=50)
@given(voxel=voxels, jitter=jitters, degrees=angles)
def test_a_slice_is_the_voxels_own(voxel, jitter, degrees):
    settings_ = SamplingSettings(mode="slice", size=(20, 30))
    draw = SpatialDraw(rotation_deg=(degrees, 0.0, 0.0))
    window = window_for(PlaceDraw(0, True, voxel, jitter), SHAPE, settings_, draw, bend_voxels=0.0)
    assert window.size == (1, 20, 30)
    assert window.center[0] == voxel[0]
