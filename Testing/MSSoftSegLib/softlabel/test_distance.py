"""Distances within reach against scipy's full transform, and the windows around masks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from MSSoftSegLib.softlabel.distance import squared_distance_mm2, window_around
from Testing.MSSoftSegLib.softlabel.made_masks import drawings


@given(drawn=drawings(most=9), reach=st.sampled_from([0.4, 1.0, 2.2, 6.0]))
def test_within_reach_the_distance_is_that_of_the_full_transform_and_beyond_it_is_larger(drawn, reach):
    found = np.sqrt(squared_distance_mm2(drawn.core, drawn.spacing, reach_mm=reach))
    if not drawn.core.any():
        assert np.isinf(found).all()
        return
    exact = ndimage.distance_transform_edt(~drawn.core, sampling=drawn.spacing)
    near = exact <= reach
    np.testing.assert_allclose(found[near], exact[near], rtol=1e-5)
    assert np.all(found[~near] > reach)


@given(drawn=drawings(most=6), reach=st.sampled_from([0.7, 1.0, 2.5]))
def test_to_the_edge_the_distance_is_that_to_the_nearest_voxels_box(drawn, reach):
    found = np.sqrt(squared_distance_mm2(drawn.core, drawn.spacing, reach_mm=reach, to_edge=True))
    points = np.indices(drawn.core.shape).reshape(3, -1).T
    steps = np.abs(points[:, None, :] - points[drawn.core.ravel()][None, :, :])
    gaps = np.maximum(steps - 0.5, 0) * np.asarray(drawn.spacing)
    exact = np.linalg.norm(gaps, axis=-1).min(axis=1, initial=np.inf).reshape(drawn.core.shape)
    near = exact <= reach
    np.testing.assert_allclose(found[near], exact[near], rtol=1e-5, atol=1e-6)
    assert np.all(found[~near] > reach)


def test_a_window_holds_the_mask_and_its_margin_and_ends_at_the_border():
    mask = np.zeros((9, 8, 7), bool)
    mask[4, 1, 5] = mask[5, 1, 5] = True
    assert window_around(mask, (3.0, 1.0, 0.5), 1.0) == (slice(3, 7), slice(0, 4), slice(2, 7))
    assert mask[window_around(mask, (1.0, 1.0, 1.0), 0.0)].sum() == 2
    assert window_around(np.zeros_like(mask), (1.0, 1.0, 1.0), 2.0) == (slice(0, 1),) * 3
