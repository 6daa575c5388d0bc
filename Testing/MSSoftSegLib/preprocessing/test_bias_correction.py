"""Bias correction against fields that the test multiplied in."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, image_like, orientation_letters, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.bias_correction import correct_bias

from .small_heads import brain, carried, head, motion, stripped

FAST = 8


def log_field(image: sitk.Image) -> np.ndarray:
    """A smooth, asymmetric field, exp(±0.35)."""
    z, y, x = (np.linspace(-1, 1, n) for n in voxels(image).shape)
    return 0.2 * x[None, None, :] - 0.1 * y[None, :, None] ** 2 + 0.15 * z[:, None, None]


def biased(image: sitk.Image) -> sitk.Image:
    return image_like(image, (voxels(image) * np.exp(log_field(image))).astype(np.float32))


def remaining(image: sitk.Image, field_of: sitk.Image) -> float:
    """Slope of the logarithm of the corrected image on the field that was multiplied in: 1 uncorrected, 0 perfect."""
    clean, inside = voxels(head(Modality.T1, noise=0.5)), voxels(brain()) > 0
    inside &= clean > 10
    error = np.log(np.maximum(voxels(image), 1e-3)[inside] / clean[inside])
    field = log_field(field_of)[inside]
    return float(np.cov(error, field)[0, 1] / np.var(field))


def test_most_of_a_known_field_is_removed():
    image = biased(head(Modality.T1, noise=0.5))
    corrected = correct_bias(image, mask=brain(), shrink=FAST)
    assert remaining(image, image) == pytest.approx(1, abs=0.01)
    assert abs(remaining(corrected.image, image)) < 0.25
    assert corrected.log_field_range > 0.3


def test_an_oblique_grid_is_kept_and_pixels_are_float():
    image = carried(biased(head(Modality.FLAIR)), motion(degrees=(8.0, 3.0, -12.0), shift_mm=(1.0, 2.0, 3.0)))
    corrected = correct_bias(sitk.Cast(image, sitk.sitkInt16), shrink=FAST).image
    assert have_same_grid(corrected, image)
    assert corrected.GetPixelID() == sitk.sitkFloat32


def test_thick_slices_are_not_shrunk_away():
    thick = sitk.BinShrink(biased(head(Modality.T1, spacing_mm=2.0)), (1, 1, 4))
    corrected = correct_bias(thick, shrink=FAST)
    assert corrected.image.GetSize() == thick.GetSize()
    assert np.isfinite(voxels(corrected.image)).all()


def test_the_result_is_the_same_on_every_run():
    image = biased(head(Modality.T1))
    first, second = (voxels(correct_bias(image, shrink=FAST).image) for _ in range(2))
    assert np.array_equal(first, second)


def test_an_image_that_is_stored_in_another_order_is_corrected_alike():
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in (11, 29, 34)), indexing="ij")
    inside = 100 + 30 * np.sign(np.sin(9 * x + 5 * y * z)) * np.exp(0.4 * x + 0.2 * y * y)
    image = Grid((34, 29, 11), (2.0, 2.0, 4.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)).image(
        np.where(x**2 + y**2 + z**2 < 0.8, inside, 0).astype(np.float32)
    )
    letters = "SRA"
    plain, turned = (correct_bias(sitk.DICOMOrient(image, order), shrink=FAST) for order in ("LPS", letters))
    assert orientation_letters(turned.image) == letters
    upright = sitk.DICOMOrient(turned.image, "LPS")
    assert have_same_grid(upright, plain.image)
    assert voxels(plain.image).std() > 10
    np.testing.assert_allclose(voxels(upright), voxels(plain.image), rtol=1e-5, atol=1e-4)


def test_negative_values_of_interpolation_survive_and_zero_stays_zero():
    image = stripped(biased(head(Modality.T1)), brain())
    array = voxels(image)
    edge = np.argwhere(array != 0)[::50]
    array[tuple(edge.T)] = -7.0
    ringing = image_like(image, array)
    corrected = voxels(correct_bias(ringing, mask=image_like(image, (array != 0).astype(np.uint8)), shrink=FAST).image)
    assert np.isfinite(corrected).all()
    assert (corrected[tuple(edge.T)] < 0).all()
    assert (corrected[array == 0] == 0).all()


def test_an_image_without_positive_values_is_refused():
    image = image_like(head(Modality.T1), -np.ones(voxels(head(Modality.T1)).shape, np.float32))
    with pytest.raises(BadImage, match="no value above zero"):
        correct_bias(image, mask=brain())
