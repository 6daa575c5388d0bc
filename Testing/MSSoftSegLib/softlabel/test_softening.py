"""What is asked for: refusals that name the image, empty masks, and what every method has in common."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from MSSoftSegLib.errors import BadImage, GridMismatch, RequestError
from MSSoftSegLib.softlabel.settings import SoftLabelSettings
from MSSoftSegLib.softlabel.softening import METHOD_LABELS, NEEDS_FLAIR, make_soft_mask
from Testing.MSSoftSegLib.softlabel.made_masks import drawings, image, soften, values

SHELLS = sorted(NEEDS_FLAIR)
ALL = sorted(METHOD_LABELS)


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("raters", [1, 2])
def test_empty_masks_make_an_all_zero_soft_mask(method, raters):
    empty = np.zeros((3, 4, 5), int)
    soft = soften([empty] * raters, np.ones(empty.shape), (3.0, 1.0, 0.5), method=method, merge="soft-union")
    assert not values(soft).any()
    assert values(soft).shape == empty.shape
    assert (soft.core_volume_ml, soft.soft_volume_ml, soft.shell_voxels, soft.warnings) == (0, 0, 0, ())


@pytest.mark.parametrize("method", ALL)
@given(drawn=drawings(most=5), gamma=st.sampled_from([0.0, 0.5, 1.0]))
def test_every_method_stays_in_range_and_its_volumes_are_the_sums_of_its_voxels(method, drawn, gamma):
    other = np.roll(drawn.core, 1, axis=1) * 2
    soft = soften(
        [drawn.core, other], drawn.flair, drawn.spacing, method=method, merge="union", gamma=gamma, radius_mm=2.0
    )
    array = values(soft)
    assert array.dtype == np.float32
    assert array.min() >= 0
    assert array.max() <= 1
    voxel_ml = np.prod(drawn.spacing) / 1000
    assert soft.core_volume_ml == pytest.approx(drawn.core.sum() * voxel_ml)
    assert soft.soft_volume_ml == pytest.approx(array.sum(dtype=np.float64) * voxel_ml)
    if method in SHELLS or method == "none":
        assert np.all(array[drawn.core] == 1)
        assert np.all(array[~drawn.core] <= np.float32(gamma))


@pytest.mark.parametrize("method", SHELLS)
@pytest.mark.parametrize("lesion_at", [(0, 0, 0), (4, 5, 6), (2, 3, 3)])
def test_a_whole_image_of_lesion_or_one_voxel_of_it_anywhere_is_softened_without_an_error(method, lesion_at):
    flair = np.random.default_rng(0).normal(100, 10, (5, 6, 7))
    assert soften(np.ones(flair.shape), flair, method=method).shell_voxels == 0
    lone = np.zeros(flair.shape)
    lone[lesion_at] = 1
    assert values(soften(lone, flair, method=method, size_percent=200))[lesion_at] == 1


@pytest.mark.parametrize("method", SHELLS)
def test_methods_that_look_at_flair_are_refused_without_it(method):
    with pytest.raises(RequestError, match=method):
        soften(np.ones((2, 2, 2)), None, method=method)


def test_no_rater_at_all_is_refused():
    with pytest.raises(RequestError, match="no rater"):
        make_soft_mask([], None, SoftLabelSettings())


def shifted(reference, **changes):
    other = sitk.Image(reference)
    for name, value in changes.items():
        getattr(other, f"Set{name}")(value)
    return other


@pytest.mark.parametrize(
    "changes", [{"Spacing": (1.0, 1.0, 2.0)}, {"Origin": (0.0, 0.0, 0.5)}, {"Direction": (1, 0, 0, 0, 1, 0, 0, 0, 1)}]
)
def test_another_grid_is_refused_with_both_names(changes):
    mask = image(np.ones((3, 4, 5), np.uint8), origin=(0.0, 0.0, 0.0))
    off = shifted(mask, **changes)
    settings = SoftLabelSettings(merge="union", method="barilan")
    flair = sitk.Cast(mask, sitk.sitkFloat32)
    with pytest.raises(GridMismatch) as caught:
        make_soft_mask([mask, off], flair, settings, names=["first.nii.gz", "second.nii.gz"])
    assert "first.nii.gz" in caught.value.message
    assert "second.nii.gz" in caught.value.message
    with pytest.raises(GridMismatch, match=r"F\.nii is .*first\.nii\.gz"):
        make_soft_mask([mask], sitk.Cast(off, sitk.sitkFloat32), settings, names=["first.nii.gz"], flair_name="F.nii")


def test_a_grid_that_differs_by_a_headers_rounding_is_the_same():
    mask = image(np.ones((3, 4, 5), np.uint8), origin=(0.0, 0.0, 0.0))
    near = shifted(mask, Spacing=(1.0 + 1e-7, 1.0, 1.0))
    soft = make_soft_mask([mask, near], None, SoftLabelSettings(merge="union"))
    assert soft.image.GetSpacing() == mask.GetSpacing()


@pytest.mark.parametrize("wrong", [3, -1, 0.5, np.nan, np.inf, 255])
def test_masks_that_hold_anything_but_0_1_2_are_refused_with_the_value_and_the_name(wrong):
    array = np.zeros((2, 3, 4), np.float32)
    array[1, 1, 1] = wrong
    with pytest.raises(BadImage, match="rater 2"):
        make_soft_mask([image(np.zeros((2, 3, 4), np.uint8)), image(array)], None, SoftLabelSettings(merge="union"))


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32, np.float64])
def test_masks_of_any_number_type_are_the_same(kind):
    array = np.array([[[0, 1, 2]]], kind)
    soft = make_soft_mask([image(array)], None, SoftLabelSettings(gamma=0.25))
    assert values(soft).ravel().tolist() == [0, 1, 0.25]


def test_flair_with_a_voxel_that_is_no_number_is_refused_by_name():
    flair = np.ones((2, 3, 4), np.float32)
    flair[0, 0, 0] = np.nan
    with pytest.raises(BadImage, match=r"F\.nii"):
        make_soft_mask(
            [image(np.ones((2, 3, 4), np.uint8))],
            image(flair),
            SoftLabelSettings(method="kats"),
            flair_name="F.nii",
        )


def test_a_flat_image_is_refused():
    with pytest.raises(BadImage, match="three-dimensional"):
        make_soft_mask([sitk.Image(4, 4, sitk.sitkUInt8)], None, SoftLabelSettings())


@pytest.mark.parametrize("method", ALL)
def test_the_images_that_are_given_stay_as_they_are_and_the_result_cannot_be_changed(method):
    mask, flair = image(np.array([[[0, 1, 0, 2, 0]]], np.uint8)), image(np.float32([[[5, 4, 6, 7, 8]]]))
    before = [sitk.GetArrayFromImage(each) for each in (mask, flair)]
    soft = make_soft_mask([mask], flair, SoftLabelSettings(method=method))
    for each, array in zip((mask, flair), before, strict=True):
        np.testing.assert_array_equal(sitk.GetArrayFromImage(each), array)
    with pytest.raises(dataclasses.FrozenInstanceError):
        soft.shell_voxels = 3
