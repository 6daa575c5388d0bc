"""The half-way space: exactly half, and the same space whichever visit came first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from MSSoftSegLib.change.halfway import half_way, square_root
from MSSoftSegLib.exam.linear import matrix_of, move_points

ANGLES = st.tuples(*[st.floats(-1.0, 1.0)] * 3)
SHIFTS = st.tuples(*[st.floats(-80.0, 80.0)] * 3)
POINTS = np.array([[0.0, 0, 0], [50, -30, 20], [-60, 10, 70]])


def rigid(angles, shift):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(angles).as_matrix()
    matrix[:3, 3] = shift
    return matrix


@settings(max_examples=40, deadline=None)
@given(ANGLES, SHIFTS)
def test_half_the_motion_twice_is_the_motion(angles, shift):
    motion = rigid(angles, shift)
    half = square_root(motion)
    assert np.allclose(half @ half, motion, atol=1e-7)
    assert np.allclose(half[:3, :3] @ half[:3, :3].T, np.eye(3))


@settings(max_examples=40, deadline=None)
@given(ANGLES, SHIFTS, st.tuples(*[st.floats(-0.02, 0.02)] * 3), st.tuples(*[st.floats(-1.0, 1.0)] * 3))
def test_swapped_visits_meet_in_the_same_space_even_where_the_two_directions_disagree(angles, shift, error, slip):
    forth, back = rigid(angles, shift), np.linalg.inv(rigid(angles, shift)) @ rigid(error, slip)
    one, other = half_way(forth, back), half_way(back, forth)
    assert np.allclose(matrix_of(one.before_from_midpoint), matrix_of(other.after_from_midpoint), atol=1e-6)
    assert np.allclose(matrix_of(one.after_from_midpoint), matrix_of(other.before_from_midpoint), atol=1e-6)


def test_a_point_of_the_space_between_lies_at_both_visits_where_the_motion_says():
    motion = rigid((0.2, -0.1, 0.05), (10.0, -4.0, 7.0))
    way = half_way(motion, np.linalg.inv(motion), POINTS)
    before, after = (
        move_points(POINTS, matrix_of(transform)) for transform in (way.before_from_midpoint, way.after_from_midpoint)
    )
    assert np.allclose(move_points(before, motion), after)
    assert way.disagreement_mm == pytest.approx(0, abs=1e-9)
    assert way.turned_deg == pytest.approx(np.degrees(np.linalg.norm((0.2, -0.1, 0.05))))


def test_two_directions_that_disagree_say_by_how_much():
    slipped = half_way(rigid((0, 0, 0), (1.5, 0, 0)), np.eye(4), POINTS)
    assert slipped.disagreement_mm == pytest.approx(1.5)
    assert slipped.moved_mm == pytest.approx(0.75)


def test_what_is_not_rigid_is_refused():
    stretched = np.diag([1.1, 1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="rigid"):
        half_way(stretched, np.eye(4))
