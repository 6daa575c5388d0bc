"""The same voxels in another order lie where they lay; other voxels are refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from MSSoftSegGUI.scene.same_voxels import make_right_handed, put_on_grid

SHAPE_KJI = (3, 4, 5)
ARRAY = np.arange(60).reshape(SHAPE_KJI)
ABOUT_Z = np.deg2rad(20)
GRID = np.eye(4)
GRID[:3, :3] = [[np.cos(ABOUT_Z), -np.sin(ABOUT_Z), 0], [np.sin(ABOUT_Z), np.cos(ABOUT_Z), 0], [0, 0, 1]] @ np.diag(
    [1.0, 1.5, 3.0]
)
GRID[:3, 3] = (7.0, -3.0, 11.0)
ORDERS = [(axes, signs) for axes in itertools.permutations(range(3)) for signs in itertools.product((1, -1), repeat=3)]


def reordered(axes, signs):
    """The grid whose axis n is axis axes[n] of GRID, backwards where its sign is negative; and the array's size there."""
    size = np.array(SHAPE_KJI[::-1])
    grid = np.eye(4)
    origin = np.array([0.0, 0.0, 0.0, 1.0])
    for axis, (source, sign) in enumerate(zip(axes, signs, strict=True)):
        grid[:3, axis] = sign * GRID[:3, source]
        if sign < 0:
            origin[source] = size[source] - 1
    grid[:3, 3] = (GRID @ origin)[:3]
    return grid, tuple(size[list(axes)][::-1])


@pytest.mark.parametrize(("axes", "signs"), ORDERS)
def test_every_voxel_stays_at_its_place_of_the_patient_whatever_the_order(axes, signs):
    wanted, shape = reordered(axes, signs)
    turned = put_on_grid(ARRAY, GRID, wanted)
    assert turned.shape == shape
    for k, j, i in np.ndindex(shape):
        i0, j0, k0 = np.linalg.solve(GRID, wanted @ [i, j, k, 1])[:3].round().astype(int)
        assert turned[k, j, i] == ARRAY[k0, j0, i0]
    assert np.array_equal(put_on_grid(turned, wanted, GRID), ARRAY)


def test_a_left_handed_image_becomes_right_handed_and_a_right_handed_one_stays():
    left, _ = reordered((0, 1, 2), (-1, 1, 1))
    array = put_on_grid(ARRAY, GRID, left)
    turned, matrix = make_right_handed(array, left)
    assert np.linalg.det(matrix[:3, :3]) > 0
    assert np.array_equal(put_on_grid(turned, matrix, GRID), ARRAY)
    assert make_right_handed(ARRAY, GRID)[1] is GRID


@pytest.mark.parametrize("change", ["shift", "spacing", "turn"])
def test_other_voxels_are_refused(change):
    other = GRID.copy()
    if change == "shift":
        other[:3, 3] += GRID[:3, 0]
    elif change == "spacing":
        other[:3, 2] *= 1.1
    else:
        other[:3, :3] = other[:3, :3] @ [[0.99, -0.14, 0], [0.14, 0.99, 0], [0, 0, 1]]
    with pytest.raises(ValueError, match="drawing"):
        put_on_grid(ARRAY, GRID, other)
