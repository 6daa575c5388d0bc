"""The wrong series of the right shape is the worst mistake: what is told apart, and what is not held against a series."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import example, given, settings
from hypothesis import strategies as st

from MSSoftSegLib.dicom.matching import LEAST_AGREEMENT, agreement, find_lattice, match
from MSSoftSegLib.dicom.placing import place_mask_on_source, place_soft_mask_on_source
from MSSoftSegLib.dicom.planes import Stack
from MSSoftSegLib.dicom.source_series import SourceSeries
from MSSoftSegLib.errors import GridMismatch
from MSSoftSegLib.exam.geometry import Grid
from Testing.MSSoftSegLib.dicom.independent_reader import array, on_grid_of
from Testing.MSSoftSegLib.dicom.made_series import head, label_map

SIZE = (24, 20, 12)
ORIENTATIONS = [a + b + c for a in "LR" for b in "AP" for c in "SI"]
ORIENTATIONS += [o[1] + o[2] + o[0] for o in ORIENTATIONS] + [o[2] + o[1] + o[0] for o in ORIENTATIONS]


def as_float(image):
    return sitk.Cast(image, sitk.sitkFloat32)


def source_of(image, lattice):
    return SourceSeries((), Stack(Grid.of(image), ()), lattice)


@settings(max_examples=40)
@given(
    turn=st.tuples(*[st.floats(-3.1, 3.1)] * 3),
    spacing=st.tuples(*[st.floats(0.4, 4.0)] * 3),
    stored=st.sampled_from(ORIENTATIONS),
    seed=st.integers(0, 99),
)
@example(turn=(0.0, 0.0, 1e-308), spacing=(1.0, 1.0, 1.0), stored="LAS", seed=0)
def test_labels_go_where_their_points_are_however_the_image_is_stored(turn, spacing, stored, seed):
    source = head(size=(9, 7, 6), turn=turn, spacing_mm=spacing, seed=seed)
    case = sitk.DICOMOrient(source, stored)
    labels = label_map(case, seed=seed)
    lattice = find_lattice(Grid.of(case), Grid.of(source))
    placed = place_mask_on_source(labels, source_of(source, lattice))
    np.testing.assert_array_equal(placed, by_points(labels, source))
    assert placed.sum() == array(labels).sum()


@given(dx=st.integers(0, 3), dy=st.integers(0, 3), dz=st.integers(0, 3), stored=st.sampled_from(ORIENTATIONS))
@settings(max_examples=20)
def test_a_case_that_was_cropped_from_the_series_is_put_back_into_it(dx, dy, dz, stored):
    source = head(size=(13, 12, 11), turn=(0.3, 0.1, -0.4))
    case = sitk.DICOMOrient(source[dx : dx + 9, dy : dy + 8, dz : dz + 7], stored)
    lattice = match(as_float(case), as_float(source))
    labels = label_map(case)
    placed = place_mask_on_source(labels, source_of(source, lattice))
    np.testing.assert_array_equal(placed, by_points(labels, source))


def by_points(labels, source):
    """ITK's own way from index to point to index, voxel by voxel, in place of permuted axes."""
    index = np.argwhere(array(labels) > 0)
    points = np.array([labels.TransformIndexToPhysicalPoint(i[::-1].tolist()) for i in index])
    return on_grid_of(source, points, array(labels)[tuple(index.T)])


def processed():
    image = as_float(head(size=SIZE, seed=3))
    smooth = sitk.SmoothingRecursiveGaussian(image, 0.3)
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, n) for n in SIZE[::-1]], indexing="ij")
    field = sitk.GetImageFromArray(np.exp(0.2 * x + 0.15 * y * z).astype(np.float32))
    field.CopyInformation(image)
    cut = array(image)
    cut[:, :6] = 0
    stripped = sitk.GetImageFromArray(cut)
    stripped.CopyInformation(image)
    return {
        "the same": image,
        "rounded to 8 bits": sitk.Cast(sitk.Cast(image / 4, sitk.sitkUInt8), sitk.sitkFloat32),
        "rescaled": image * 0.01 + 3,
        "bias-corrected": image * field,
        "denoised a little": smooth,
        "defaced or brain-extracted": stripped,
    }


@pytest.mark.parametrize("how", processed())
def test_what_was_done_to_the_cases_flair_is_not_held_against_its_series(how):
    assert match(processed()[how], as_float(head(size=SIZE, seed=3))) is not None


def like(image, values):
    made = sitk.GetImageFromArray(np.ascontiguousarray(values, np.float32))
    made.CopyInformation(image)
    return made


def others():
    """Of the same shape, spacing and place."""
    image = as_float(head(size=SIZE, seed=3))
    return {
        "another person": as_float(head(size=SIZE, seed=4)),
        "mirrored": like(image, array(image)[:, :, ::-1]),
        "a voxel off": like(image, np.roll(array(image), 1, axis=2)),
        "inverted": 1000 - image,
        "flat": image * 0 + 1,
    }


@pytest.mark.parametrize("which", others())
def test_another_series_of_the_same_shape_spacing_and_place_is_refused(which):
    with pytest.raises(GridMismatch, match="voxels of the source series are not those of the case's FLAIR"):
        match(as_float(head(size=SIZE, seed=3)), others()[which])


def test_heads_that_a_plain_correlation_takes_for_one_are_told_apart():
    """Bright head, dark air: any two heads correlate."""
    z, y, x = np.ogrid[:16, :40, :36]
    inside = ((z - 8) / 9) ** 2 + ((y - 20) / 16) ** 2 + ((x - 18) / 14) ** 2 < 1
    one, other = (np.where(inside, 600 + array(head(size=(36, 40, 16), seed=seed)), 20) for seed in (3, 4))
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.9
    assert agreement(one, other) < 0.5 < LEAST_AGREEMENT


@pytest.mark.parametrize(
    "change",
    [
        {"spacing_mm": (0.8, 1.1, 3.2)},
        {"origin_mm": (-31.0, 12.5, -5.5)},
        {"turn": (0.0, 0.1, 0.0)},
    ],
    ids=["spacing", "half a plane", "angle"],
)
def test_the_right_voxels_at_another_place_are_refused(change):
    with pytest.raises(GridMismatch, match="does not lie where the case's FLAIR lies"):
        match(as_float(head(size=SIZE, seed=3)), as_float(head(size=SIZE, seed=3, **change)))


def test_the_right_voxels_half_turned_are_refused():
    with pytest.raises(GridMismatch):
        match(as_float(head(size=SIZE, seed=3)), as_float(head(size=SIZE, seed=3, turn=(0, 0, np.pi))))


def test_a_series_that_covers_only_part_of_the_case_is_refused():
    image = as_float(head(size=SIZE, seed=3))
    with pytest.raises(GridMismatch, match="4 of its 12 planes are missing"):
        match(image, image[:, :, 2:10])
    with pytest.raises(GridMismatch, match="a part of it is missing"):
        match(image, image[3:, :, :])


def resampled(image, spacing_mm):
    size = [round(n * mm / new) for n, mm, new in zip(image.GetSize(), image.GetSpacing(), spacing_mm, strict=True)]
    return sitk.Resample(
        as_float(image), size, sitk.Transform(), sitk.sitkLinear, image.GetOrigin(), spacing_mm, image.GetDirection()
    )


def test_a_case_that_was_resampled_in_the_same_space_is_brought_back_and_said_so(caplog):
    source = head(size=SIZE, spacing_mm=(1, 1, 1), seed=3, turn=(0.2, 0.1, 0))
    case = resampled(source, (0.5, 0.5, 0.5))
    assert match(case, as_float(source)) is None
    assert "was resampled" in caplog.text
    values = np.zeros(case.GetSize()[::-1], np.uint8)
    values[4:9, 10:20, 6:14] = 1
    labels = Grid.of(case).image(values)
    placed = place_mask_on_source(labels, source_of(source, None))
    assert placed.sum() * 1.0 == pytest.approx(values.sum() * 0.125, rel=0.35)
    np.testing.assert_array_equal(
        placed, array(sitk.Resample(labels, source, sitk.Transform(), sitk.sitkNearestNeighbor))
    )
    values = np.linspace(0, 1, 40)[None, :, None] * np.ones((24, 40, 48))
    values[:, :, 46:], values[:, 38:], values[22:] = 0, 0, 0  # what would lie beyond the last voxels' centers
    soft = place_soft_mask_on_source(Grid.of(case).image(values.astype(np.float32)), source_of(source, None))
    np.testing.assert_allclose(soft[4, :19, 10], np.arange(19) * 2 / 39, atol=1e-5)


def test_lesions_outside_the_series_are_not_dropped():
    source = head(size=SIZE, spacing_mm=(1, 1, 1), seed=3)
    case = Grid((30, 20, 12), (0.7, 1, 1), source.GetOrigin(), source.GetDirection()).image(
        np.zeros((12, 20, 30), np.uint8)
    )
    beyond = Grid((90, 20, 12), (0.7, 1, 1), source.GetOrigin(), source.GetDirection())
    labels = np.zeros((12, 20, 90), np.uint8)
    labels[3, 3, 80] = 1
    assert place_mask_on_source(case, source_of(source, None)).sum() == 0
    with pytest.raises(GridMismatch, match="1 labelled voxels lie outside"):
        place_mask_on_source(beyond.image(labels), source_of(source, None))


@given(error=st.floats(-0.04, 0.04))
@settings(max_examples=15)
def test_a_converters_rounding_is_not_another_place(error):
    source = head(size=SIZE, seed=3, turn=(0.3, 0.2, 0.1))
    rounded = sitk.Image(source)
    rounded.SetOrigin([value + error for value in source.GetOrigin()])
    assert find_lattice(Grid.of(rounded), Grid.of(source)) is not None
    rounded.SetOrigin([value + 0.4 for value in source.GetOrigin()])
    assert find_lattice(Grid.of(rounded), Grid.of(source)) is None
