"""Mutual information against what theory says of identical, independent and far images."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.preprocessing.mutual_information import mutual_information

IDENTITY = sitk.Transform(3, sitk.sitkIdentity)


def blocks(rng_seed: int, values: int = 4) -> sitk.Image:
    """Constant blocks of 8 voxels a side, each one of a few equally frequent values."""
    rng = np.random.default_rng(rng_seed)
    coarse = rng.permutation(np.arange(512) % values).reshape(8, 8, 8)
    return sitk.GetImageFromArray(np.kron(coarse, np.ones((8, 8, 8))).astype(np.float32))


def test_an_image_tells_about_itself_as_much_as_its_entropy():
    # Linear interpolation between blocks adds values of its own: at least the entropy of four equally frequent ones.
    assert mutual_information(blocks(1), blocks(1), IDENTITY) >= np.log(4)


def test_independent_images_tell_little_about_each_other():
    first, second = (
        sitk.GetImageFromArray(np.random.default_rng(seed).normal(size=(64, 64, 64)).astype(np.float32))
        for seed in (1, 2)
    )
    # The bias of a histogram of 31 × 31 free cells filled with 200,000 points is 0.0024 nats.
    assert mutual_information(first, second, IDENTITY) < 0.01
    assert mutual_information(first, first, IDENTITY) > 1


def test_values_may_be_exchanged_without_loss():
    inverted = 3 - blocks(1)
    expected = mutual_information(blocks(1), blocks(1), IDENTITY)
    assert mutual_information(inverted, blocks(1), IDENTITY) == pytest.approx(expected, rel=0.02)


def test_a_shift_loses_information():
    shift = sitk.TranslationTransform(3, (4.0, 0.0, 0.0))
    assert mutual_information(blocks(1), blocks(1), shift) < 0.6 * mutual_information(blocks(1), blocks(1), IDENTITY)


def test_images_that_hardly_overlap_have_none():
    far = sitk.TranslationTransform(3, (62.0, 0.0, 0.0))
    assert mutual_information(blocks(1), blocks(1), far) == 0.0


def test_lost_overlap_is_no_gain():
    half = sitk.TranslationTransform(3, (32.0, 0.0, 0.0))
    smooth = sitk.GetImageFromArray(np.tile(np.arange(64, dtype=np.float32), (64, 64, 1)))
    whole = mutual_information(smooth, smooth, IDENTITY)
    assert mutual_information(smooth, smooth, half) < 0.55 * whole
