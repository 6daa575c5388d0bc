"""Fluid near a ventricle that is none: what of it stays ventricle."""

from __future__ import annotations

import numpy as np
import pytest

from MSSoftSegLib.region.exam_anatomy import _give_lost_pieces_to_outer_fluid
from MSSoftSegLib.region.regions import FLUIDS, VENTRICLES, Region


@pytest.mark.parametrize(
    ("side", "apart", "is_kept"), [(4, 0.5, True), (4, 3.0, False), (8, 3.0, True), (8, 6.0, False), (5, 1.0, True)]
)
def test_a_small_piece_is_ventricle_only_where_it_lies_on_the_atlass_and_a_large_one_where_it_is_near(
    side, apart, is_kept
):
    """Pieces of 64, 125 and 512 mm³ beside a ventricle that reaches to x = 3; nothing else is fluid."""
    wet = np.zeros((12, 12, 24), np.float32)
    wet[:, :, :4] = 1
    wet[1 : 1 + side, 1 : 1 + side, 10 : 10 + side] = 1
    far = np.where(np.arange(24) < 4, 0.0, apart)
    apart_mm = {space: np.full(wet.shape, 20.0) for space in FLUIDS}
    apart_mm[Region.LATERAL_VENTRICLE] = np.broadcast_to(far, wet.shape)
    shares = {space: np.zeros(wet.shape, np.float32) for space in FLUIDS}
    shares[Region.LATERAL_VENTRICLE][:] = 1
    _give_lost_pieces_to_outer_fluid(shares, apart_mm, wet, 1.0)
    lateral = wet * shares[Region.LATERAL_VENTRICLE]
    assert lateral[:, :, :4].all(), "the ventricle itself stays"
    assert bool(lateral[:, :, 10:].any()) is is_kept
    assert (sum(shares[space] for space in (*VENTRICLES, Region.OUTER_FLUID)) == 1).all(), "nothing is lost"
