"""Rigid transforms compose and invert as transforms of points do."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.phantom.misalignment import compose, draw_move, invert


def quarter_turn_about_z() -> sitk.Euler3DTransform:
    turn = sitk.Euler3DTransform()
    turn.SetRotation(0, 0, np.pi / 2)
    return turn


def shift_along_x() -> sitk.Euler3DTransform:
    shift = sitk.Euler3DTransform()
    shift.SetTranslation((10, 0, 0))
    return shift


def test_the_first_transform_is_applied_first() -> None:
    # (1, 0, 0) is shifted to (11, 0, 0), then turned to (0, 11, 0); the other way round it ends at (10, 1, 0).
    then_turned = compose(quarter_turn_about_z(), shift_along_x())
    assert then_turned.TransformPoint((1.0, 0.0, 0.0)) == pytest.approx((0, 11, 0), abs=1e-9)
    then_shifted = compose(shift_along_x(), quarter_turn_about_z())
    assert then_shifted.TransformPoint((1.0, 0.0, 0.0)) == pytest.approx((10, 1, 0), abs=1e-9)


def test_the_way_back_leads_back() -> None:
    move = draw_move(limit_deg=4, limit_mm=4, rng=np.random.default_rng(1))
    there = move.TransformPoint((30.0, -40.0, 50.0))
    assert there != pytest.approx((30, -40, 50), abs=0.5)
    assert invert(move).TransformPoint(there) == pytest.approx((30, -40, 50), abs=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_a_move_stays_below_its_limits_and_is_never_nothing(seed: int) -> None:
    move = draw_move(limit_deg=4, limit_mm=3, rng=np.random.default_rng(seed))
    turn_deg = np.rad2deg(np.arccos((np.trace(np.reshape(move.GetMatrix(), (3, 3))) - 1) / 2))
    shift_mm = np.linalg.norm(move.GetTranslation())
    assert 4 / 3 - 0.1 < turn_deg < 4.1
    assert 3 / 3 - 0.01 < shift_mm <= 3
