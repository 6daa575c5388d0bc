"""Normalization by hand-made numbers."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage, GridMismatch
from MSSoftSegLib.preprocessing.normalization import normalize


def image_of(values) -> sitk.Image:
    """A 1 × 1 × n image."""
    return sitk.GetImageFromArray(np.asarray(values, np.float32).reshape(1, 1, -1))


def mask_of(values) -> sitk.Image:
    return sitk.GetImageFromArray(np.asarray(values, np.uint8).reshape(1, 1, -1))


def result(values, mask, method):
    return sitk.GetArrayFromImage(normalize(image_of(values), mask_of(mask), method)).ravel()


def test_z_scores_use_the_brain_alone():
    # Inside: 2, 4, 6, 8: mean 5, variance (9 + 1 + 1 + 9) / 4 = 5.
    found = result([100, 2, 4, 6, 8, -50], [0, 1, 1, 1, 1, 0], "z-score")
    assert found == pytest.approx([0, -3 / 5**0.5, -1 / 5**0.5, 1 / 5**0.5, 3 / 5**0.5, 0])


def test_median_and_quartiles_ignore_one_bright_lesion():
    # Inside: 0, 1, 2, 3, 1000: median 2, quartiles 1 and 3, so one unit is 2 / 1.349.
    found = result([7, 0, 1, 2, 3, 1000], [0, 1, 1, 1, 1, 1], "median-iqr")
    assert found == pytest.approx(np.array([0, -2, -1, 0, 1, 998]) * [0, 1, 1, 1, 1, 1] * 1.349 / 2, rel=1e-6)


def test_negative_values_inside_the_brain_are_kept():
    assert result([-3, 3], [1, 1], "z-score") == pytest.approx([-1, 1])


@pytest.mark.parametrize("method", ["z-score", "median-iqr"])
def test_a_constant_image_is_refused(method):
    with pytest.raises(BadImage, match="constant"):
        result([9, 7, 7, 7, 7], [0, 1, 1, 1, 1], method)


def test_an_empty_mask_is_refused():
    with pytest.raises(BadImage, match="empty"):
        result([1, 2], [0, 0], "z-score")


def test_a_mask_of_another_grid_is_refused():
    mask = mask_of([1, 1])
    mask.SetOrigin((0, 0, 5))
    with pytest.raises(GridMismatch):
        normalize(image_of([1, 2]), mask, "z-score")
