"""Noise, blur and thick slices, on a ball of texture in 1 mm voxels whose roughness is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.quality.brain_view import BrainView
from MSSoftSegLib.quality.statistics import LIMITS, is_constant, roughness, statistics_warnings

FLAIR = Modality.FLAIR
SIDE = 72


def ball(spacing_mm=1.0):
    grid = Grid((SIDE, SIDE, SIDE), (spacing_mm,) * 3, (0.0, 0.0, 0.0), tuple(np.eye(3).ravel()))
    z, y, x = np.indices((SIDE, SIDE, SIDE)) - (SIDE - 1) / 2
    return grid, (z**2 + y**2 + x**2 < 34**2)


def texture(sd_voxels):
    white = np.random.default_rng(5).normal(size=(SIDE, SIDE, SIDE))
    smooth = ndimage.gaussian_filter(white, sd_voxels) if np.any(sd_voxels) else white
    return 100 + 20 * smooth / smooth.std()


def view_of(array, spacing_mm=1.0):
    grid, mask = ball(spacing_mm)
    images = {FLAIR: grid.image(np.where(mask, array, 0).astype(np.float32))}
    return BrainView.of(WorkingExam(images, grid.image(mask.astype(np.uint8)), FLAIR, {}, {}, {}))


def words(array, thickness_mm=1.0, spacing_mm=1.0):
    view = view_of(array, spacing_mm)
    return " ".join(w.text for w in statistics_warnings(view, {FLAIR: (1.0, 1.0, thickness_mm)}))


def test_white_noise_is_as_rough_near_as_far():
    rough = roughness(view_of(texture(0)), view_of(texture(0)).images[FLAIR])
    assert rough.largest == pytest.approx(1, abs=0.03)
    assert rough.smallest == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(
    ("sd_voxels", "word"),
    [
        (0.0, "noisier"),
        (1.5, ""),
        (4.0, "blurred"),
        ((4.0, 1.2, 1.2), "thicker slices"),
        ((1.2, 1.2, 4.0), "thicker slices"),
    ],
)
def test_each_damage_has_its_word_and_a_good_image_has_none(sd_voxels, word):
    said = words(texture(sd_voxels))
    assert (word in said) if word else said == ""


def test_scale_and_offset_do_not_matter():
    view = view_of(texture(1.5))
    other = view_of(0.01 * texture(1.5) + 7)
    assert roughness(view, view.images[FLAIR]).largest == pytest.approx(
        roughness(other, other.images[FLAIR]).largest, rel=1e-3
    )


def test_slices_thicker_than_any_that_the_model_learned_from_are_named_with_their_thickness():
    assert "9.0 mm" in words(texture(1.5), thickness_mm=9.0)
    assert words(texture(1.5), thickness_mm=8.1) == ""


def test_on_a_grid_of_2_mm_the_table_is_not_asked():
    assert words(texture(4.0), spacing_mm=2.0) == ""


def test_a_contrast_without_limits_is_not_judged():
    assert Modality.PD not in LIMITS


def test_constant_is_relative_to_the_values():
    spread = np.linspace(0, 1, 100)
    assert is_constant(1000 + spread)
    assert not is_constant(10 + spread)
    assert is_constant(np.zeros(0))
