"""Lesions are filled and planted: what was lesion looks like the tissue around it, what is planted is where the label says."""

from __future__ import annotations

import numpy as np
import pytest

from MSSoftSegLib.training.planting.filling import fill_lesions
from MSSoftSegLib.training.planting.planting import lesion_step, plant_lesions
from MSSoftSegLib.training.synthesis.lesion_bank import LesionShape

SHAPE = (40, 48, 44)


@pytest.fixture(scope="module")
def brain():
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij")
    return x**2 + y**2 + z**2 < 0.85


@pytest.fixture(scope="module")
def label(brain):
    """A lopsided lesion with a soft border."""
    label = np.zeros(SHAPE, np.float32)
    label[18:23, 20:27, 26:30] = 1.0
    label[18:23, 19, 26:30] = 0.4
    return label * brain


@pytest.fixture(scope="module")
def images(brain, label):
    """FLAIR with a bright lesion, T1 with a dark one, no T2; white matter about the median of either."""
    rng = np.random.default_rng(2)
    flair = (0.1 * rng.standard_normal(SHAPE) + 2.5 * label) * brain
    t1 = (0.4 + 0.1 * rng.standard_normal(SHAPE) - 1.5 * label) * brain
    return np.stack([flair, t1, np.zeros(SHAPE)]).astype(np.float32)


def test_filled_lesions_have_the_mean_and_the_grain_of_white_matter(images, label, brain):
    filled = fill_lesions(images, label, brain, rng=np.random.default_rng(0))
    core = label >= 0.75
    assert filled[0][core].mean() == pytest.approx(0.0, abs=0.08)
    assert filled[1][core].mean() == pytest.approx(0.4, abs=0.08)
    assert 0.05 < filled[0][core].std() < 0.2
    assert not filled[2].any()


def test_filling_changes_nothing_far_from_lesions_and_nothing_outside_the_brain(images, label, brain):
    filled = fill_lesions(images, label, brain, rng=np.random.default_rng(0))
    far = np.ones(SHAPE, bool)
    far[12:30, 13:34, 20:36] = False
    assert np.array_equal(filled[:, far], images[:, far])
    assert not filled[:, ~brain].any()


def test_a_brain_without_lesion_comes_back_as_it_is(images, brain):
    same = fill_lesions(images, np.zeros(SHAPE, np.float32), brain, rng=np.random.default_rng(0))
    assert np.array_equal(same, images)


def test_the_step_is_how_far_the_core_lies_from_what_took_its_place(images, label, brain):
    filled = fill_lesions(images, label, brain, rng=np.random.default_rng(0))
    step = lesion_step(images, filled, label)
    assert step[:2] == pytest.approx([2.5, -1.5], abs=0.15)
    assert step[2] == 0


def _bank():
    labels = np.zeros((50, 60, 54), np.int16)
    labels[24:28, 30:38, 32:36] = 1
    points = np.array([25.0, 30.0, 27.0])
    return [LesionShape("someone", labels, 1, points, np.array([9.0, 11.0, 10.0]))]


def test_what_is_planted_is_as_bright_as_the_label_says(images, label, brain):
    filled = fill_lesions(images, label, brain, rng=np.random.default_rng(0))
    step = np.array([2.5, -1.5, 0.0])
    planted = next(
        found
        for seed in range(20)
        if (
            found := plant_lesions(filled, brain, step, _bank(), slice_voxels=1, rng=np.random.default_rng(seed))
        ).label.max()
        > 0.9
    )
    added = planted.images - filled
    inside, outside = planted.label > 0.8, planted.label == 0
    assert added[0][inside].mean() > 0.8
    assert added[1][inside].mean() < -0.4
    assert np.abs(added[:, outside]).max() < 1e-5
    assert not planted.images[2].any()


def test_planted_lesions_are_averaged_over_thick_slices(images, label, brain):
    filled = fill_lesions(images, label, brain, rng=np.random.default_rng(0))
    step = np.array([2.5, -1.5, 0.0])

    def roughness(slice_voxels):
        found = plant_lesions(
            filled, brain, step, _bank(), slice_voxels=slice_voxels, rng=np.random.default_rng(3)
        ).label
        return float(np.abs(np.diff(found, axis=0)).sum() / max(found.sum(), 1e-6))

    assert roughness(6.0) < 0.6 * roughness(1.0)


def test_the_same_draw_plants_the_same(images, label, brain):
    filled = fill_lesions(images, label, brain, rng=np.random.default_rng(0))
    first, second = (
        plant_lesions(filled, brain, np.array([2.0, -1.0, 0.0]), _bank(), slice_voxels=1, rng=np.random.default_rng(8))
        for _ in range(2)
    )
    assert np.array_equal(first.images, second.images)
    assert first.draws == second.draws
