"""Smooth fields have the mean, the spread and the width that their callers count on."""

from __future__ import annotations

import numpy as np
import pytest

from MSSoftSegLib.phantom.fields import smooth_field


def test_fields_have_mean_zero_and_unit_spread() -> None:
    values = np.concatenate([smooth_field((24, 28, 32), 4, rng=np.random.default_rng(s)).ravel() for s in range(12)])
    assert values.mean() == pytest.approx(0, abs=0.15)
    assert values.std() == pytest.approx(1, abs=0.05)


def test_a_wider_field_changes_more_slowly_along_that_axis_only() -> None:
    field = smooth_field((40, 40, 40), (20, 5, 5), rng=np.random.default_rng(0))
    along = [np.abs(np.diff(field, axis=axis)).mean() for axis in range(3)]
    assert along[0] < 0.5 * along[1]
    assert along[1] == pytest.approx(along[2], rel=0.35)


def test_a_seed_replays_its_field_and_another_does_not() -> None:
    first, again, other = (smooth_field((9, 10, 11), 4, rng=np.random.default_rng(s)) for s in (1, 1, 2))
    assert first.shape == (9, 10, 11)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
