"""``mss.measure_case``: images in, so that neither the voxel size nor the order of the axes can go wrong."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

import MSSoftSegLib as mss
from MSSoftSegLib.evaluation.case_metrics import measure_case as measure_arrays

SPACING_XYZ_MM = (1.0, 2.0, 3.0)


def image(array, spacing=SPACING_XYZ_MM):
    made = sitk.GetImageFromArray(array)
    made.SetSpacing(spacing)
    return made


def block(*corner):
    """A lesion of 2×2×2 voxels in a field of 6×8×10 (z, y, x)."""
    array = np.zeros((6, 8, 10), np.uint8)
    array[tuple(slice(c, c + 2) for c in corner)] = 1
    return array


def test_volumes_and_distances_follow_the_images_own_spacing():
    # Moved by one voxel along x, which is 1 mm: 4 of 8 voxels are shared.
    found = mss.measure_case(image(block(1, 1, 1)), image(block(1, 1, 2)))
    assert found.dsc == pytest.approx(0.5)
    assert found.truth_volume_ml == pytest.approx(8 * 6.0 / 1000)
    assert found.hd95_mm == pytest.approx(1.0)
    # Along z it is 3 mm.
    assert mss.measure_case(image(block(1, 1, 1)), image(block(2, 1, 1))).hd95_mm == pytest.approx(3.0)


def test_it_is_the_measurement_of_the_evaluation_on_the_same_arrays():
    rng = np.random.default_rng(0)
    truth, probability = block(1, 2, 3), rng.random((6, 8, 10)).astype(np.float32)
    brain = np.ones((6, 8, 10), np.uint8)
    prediction = (probability > 0.8).astype(np.uint8)
    ours = mss.measure_case(image(truth), image(prediction), probability=image(probability), brain=image(brain))
    theirs = measure_arrays(truth, prediction, probability, None, brain, SPACING_XYZ_MM[::-1])
    assert ours.values == theirs.values


def test_an_image_on_another_grid_is_refused_by_name():
    with pytest.raises(mss.MSSoftSegError, match="the brain lies on another grid"):
        mss.measure_case(
            image(block(1, 1, 1)), image(block(1, 1, 1)), brain=image(block(1, 1, 1), spacing=(1.0, 2.0, 3.1))
        )


def test_labels_beyond_one_and_unknown_neighborhoods_are_refused():
    with pytest.raises(mss.MSSoftSegError, match="truth runs from 0 to 2"):
        mss.measure_case(image(block(1, 1, 1) * 2), image(block(1, 1, 1)))
    with pytest.raises(mss.MSSoftSegError, match="connectivity 7"):
        mss.measure_case(image(block(1, 1, 1)), image(block(1, 1, 1)), connectivity=7)
