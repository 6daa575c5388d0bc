"""The same labels in another voxel order are the same; anything else about them is not."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from MSSoftSegLib.exam.label_digest import compute_label_digest

RAS = np.array([[0.9, 0.1, 0.0, -20], [-0.1, 1.1, 0.2, -15], [0.0, -0.3, 3.0, 7], [0, 0, 0, 1.0]])


def labels_of(seed: int) -> np.ndarray:
    """Sparse labels on a lopsided grid."""
    return np.random.default_rng(seed).choice([0, 1, 2], size=(4, 5, 7), p=[0.8, 0.15, 0.05]).astype(np.uint8)


def reordered(labels, matrix, order, flips):
    """The same image with its voxel axes in another order and some of them reversed, its matrix turned with it."""
    turned, way = labels.transpose([2 - axis for axis in reversed(order)]), matrix[:, [*order, 3]].copy()
    for axis, is_reversed in enumerate(flips):
        if is_reversed:
            turned = np.flip(turned, 2 - axis)
            way[:3, 3] += way[:3, axis] * (turned.shape[2 - axis] - 1)
            way[:3, axis] *= -1
    return turned, way


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 99), st.permutations(range(3)), st.tuples(*[st.booleans()] * 3))
def test_whichever_way_axes_run_labels_of_the_same_places_have_one_digest(seed, order, flips):
    labels = labels_of(seed)
    turned, way = reordered(labels, RAS, order, flips)
    k, j, i = np.argwhere(turned == 1)[0]
    place = np.linalg.solve(RAS, way @ [i, j, k, 1.0])[:3].round().astype(int)
    assert labels[tuple(place[::-1])] == 1
    assert compute_label_digest(turned, way) == compute_label_digest(labels, RAS)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 99), st.integers(0, 4 * 5 * 7 - 1))
def test_one_voxel_that_is_called_something_else_is_another_digest(seed, voxel):
    labels = labels_of(seed)
    other = labels.copy()
    other.flat[voxel] = (other.flat[voxel] + 1) % 3
    assert compute_label_digest(other, RAS) != compute_label_digest(labels, RAS)


def test_a_mirrored_drawing_is_not_the_same():
    labels = labels_of(3)
    digests = {compute_label_digest(np.flip(labels, axis), RAS) for axis in range(3)}
    assert len(digests | {compute_label_digest(labels, RAS)}) == 4
    assert len({compute_label_digest(np.zeros(shape), RAS) for shape in itertools.permutations((4, 5, 7))}) == 6
