"""NRRD and MetaImage: what their headers leave out or get wrong is refused, and the two formats agree with NIfTI."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid, have_same_grid, voxels
from MSSoftSegLib.exam.image_file import read_image
from Testing.MSSoftSegLib.exam.made_files import (
    gzip_with_flipped_bit,
    made_grid,
    made_voxels,
    refusal,
    write_meta,
    write_nifti,
    write_nrrd,
)

STRAIGHT = made_grid(np.eye(3))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose name no message may show."""
    (tmp_path / "Doe_Jane_1980").mkdir()
    return tmp_path / "Doe_Jane_1980"


def assert_is_the_made_image(path: Path) -> None:
    image = read_image(path)
    np.testing.assert_array_equal(voxels(image), made_voxels())
    np.testing.assert_allclose(Grid.of(image).lps_from_voxel(), STRAIGHT.lps_from_voxel(), atol=1e-9)


# --- what is right


def test_a_nrrd_file_is_read(folder: Path) -> None:
    assert_is_the_made_image(write_nrrd(folder / "a.nrrd"))


def test_a_compressed_nrrd_file_is_read(folder: Path) -> None:
    data = gzip.compress(made_voxels().tobytes())
    assert_is_the_made_image(write_nrrd(folder / "a.nrrd", data, encoding="gzip"))


def test_a_detached_nrrd_header_is_read(folder: Path) -> None:
    (folder / "a.raw").write_bytes(made_voxels().tobytes())
    assert_is_the_made_image(write_nrrd(folder / "a.nhdr", b"", data_file="a.raw"))


def test_a_nrrd_file_in_ras_is_turned_to_lps(folder: Path) -> None:
    path = write_nrrd(
        folder / "a.nrrd",
        space="right-anterior-superior",
        space_directions="(-0.9,0,0) (0,-1.2,0) (0,0,3.1)",
        space_origin="(80.25,-41.5,12.125)",
    )
    assert_is_the_made_image(path)


def test_a_metaimage_is_read(folder: Path) -> None:
    assert_is_the_made_image(write_meta(folder / "a.mha"))


def test_a_metaimage_with_an_upper_case_extension_is_read(folder: Path) -> None:
    assert_is_the_made_image(write_meta(folder / "A.MHA"))


def test_a_compressed_metaimage_is_read(folder: Path) -> None:
    data = zlib.compress(made_voxels().tobytes())
    path = write_meta(folder / "a.mha", data, CompressedData="True", CompressedDataSize=str(len(data)))
    assert_is_the_made_image(path)


def test_a_detached_metaimage_header_is_read(folder: Path) -> None:
    (folder / "a.raw").write_bytes(made_voxels().tobytes())
    assert_is_the_made_image(write_meta(folder / "a.mhd", b"", ElementDataFile="a.raw"))


def test_the_same_oblique_axes_mean_the_same_grid_in_all_three_formats(folder: Path) -> None:
    grid = made_grid()
    columns = np.reshape(grid.direction, (3, 3)).T
    vectors = [",".join(map(repr, (axis * mm).tolist())) for axis, mm in zip(columns, grid.spacing_mm, strict=True)]
    nrrd = write_nrrd(folder / "a.nrrd", space_directions=" ".join(f"({vector})" for vector in vectors))
    meta = write_meta(folder / "a.mha", TransformMatrix=" ".join(map(repr, columns.ravel().tolist())))
    nifti = write_nifti(folder / "a.nii")
    assert have_same_grid(read_image(nrrd), grid)
    assert have_same_grid(read_image(meta), grid)
    assert have_same_grid(read_image(nifti), grid)


@pytest.mark.parametrize("tiny", ["1e-308", "-5e-324", "1e-200", "1e-15"])
@pytest.mark.parametrize("extension", ["nrrd", "mha"])
def test_a_direction_that_itk_cannot_invert_is_cleaned_as_it_is_read(folder: Path, extension: str, tiny: str) -> None:
    if extension == "nrrd":
        path = write_nrrd(folder / "a.nrrd", space_directions=f"(0.9,{tiny},0) ({tiny},1.2,0) (0,0,3.1)")
    else:
        path = write_meta(folder / "a.mha", TransformMatrix=f"1 {tiny} 0 {tiny} 1 0 0 0 1")
    assert_is_the_made_image(path)
    # What ITK makes of the direction's inverse shows when axes are reordered, and in points.
    image = sitk.DICOMOrient(read_image(path), "LAS")
    for index in ((0, 0, 0), (5, 4, 3)):
        assert image.TransformPhysicalPointToIndex(image.TransformIndexToPhysicalPoint(index)) == index
    assert sorted(set(np.abs(image.GetDirection()))) == [0, 1]


# --- geometry that cannot be trusted


@pytest.mark.parametrize(
    "changes",
    [
        {"space": None},
        {"space": "scanner-xyz"},
        {"space_origin": None},
        {"space_directions": None},
        {"space_directions": "none (0,1.2,0) (0,0,3.1)"},
        {"space": None, "space_directions": None, "space_origin": None, "spacings": "0.9 1.2 3.1"},
    ],
)
def test_a_nrrd_file_without_full_orientation_is_refused(folder: Path, changes: dict[str, str | None]) -> None:
    assert "does not say how the head lies" in refusal(read_image, write_nrrd(folder / "a.nrrd", **changes))


@pytest.mark.parametrize("field", ["TransformMatrix", "Offset", "ElementSpacing"])
def test_a_metaimage_without_full_orientation_is_refused(folder: Path, field: str) -> None:
    text = refusal(read_image, write_meta(folder / "a.mha", **{field: None}))
    assert f"{field} is missing" in text


@pytest.mark.parametrize("vector", ["(0,0,0)", "(nan,0,0)"])
def test_a_nrrd_axis_without_length_is_refused(folder: Path, vector: str) -> None:
    path = write_nrrd(folder / "a.nrrd", space_directions=f"{vector} (0,1.2,0) (0,0,3.1)")
    assert "voxel size" in refusal(read_image, path)


@pytest.mark.parametrize("spacing", ["0 1.2 3.1", "-0.9 1.2 3.1"])
def test_a_metaimage_voxel_size_that_is_not_positive_is_refused(folder: Path, spacing: str) -> None:
    assert "voxel size" in refusal(read_image, write_meta(folder / "a.mha", ElementSpacing=spacing))


@pytest.mark.parametrize(
    ("field", "value"),
    [("ElementSpacing", "nan 1 1"), ("ElementSpacing", "1 1"), ("Offset", "a b c"), ("TransformMatrix", "1 0 0")],
)
def test_a_metaimage_field_that_is_damaged_is_refused_by_its_name(folder: Path, field: str, value: str) -> None:
    assert field in refusal(read_image, write_meta(folder / "a.mha", **{field: value}))


def test_a_sheared_nrrd_file_is_refused(folder: Path) -> None:
    path = write_nrrd(folder / "a.nrrd", space_directions="(0.9,0,0) (0.4,1.2,0) (0,0,3.1)")
    assert "not unit vectors at right angles" in refusal(read_image, path)


def test_metaimage_axes_that_are_not_unit_vectors_are_refused_with_the_distance(folder: Path) -> None:
    # The first triple is the x axis: its 5 steps of 0.9 mm become 5 of 1.8 mm, and the last voxel is 4.5 mm off.
    path = write_meta(folder / "a.mha", TransformMatrix="0 2 0 1 0 0 0 0 1")
    assert "4.50 mm" in refusal(read_image, path)


def test_a_shear_of_less_than_a_tenth_of_a_millimeter_is_straightened(folder: Path) -> None:
    image = read_image(write_meta(folder / "a.mha", TransformMatrix="1 0 0 0.005 1 0 0 0 1"))
    direction = np.reshape(image.GetDirection(), (3, 3))
    np.testing.assert_allclose(direction @ direction.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(direction, np.eye(3), atol=0.005)


def test_a_direction_that_itk_cannot_invert_is_cleaned(folder: Path) -> None:
    cosine, sine = math.cos(1), math.sin(1)
    tiny = "3e-299"
    matrix = f"1 {tiny} -{tiny} 0 {cosine!r} {sine!r} {tiny} {-sine!r} {cosine!r}"
    image = read_image(write_meta(folder / "a.mha", TransformMatrix=matrix))
    point = image.TransformContinuousIndexToPhysicalPoint((1, 2, 3))
    assert image.TransformPhysicalPointToContinuousIndex(point) == pytest.approx((1, 2, 3))


@pytest.mark.parametrize("matrix", ["1 0 0 1 0 0 0 0 1", "0 0 0 0 1 0 0 0 1"])
def test_degenerate_metaimage_axes_are_refused(folder: Path, matrix: str) -> None:
    assert "degenerate" in refusal(read_image, write_meta(folder / "a.mha", TransformMatrix=matrix))


# --- contents that cannot be trusted


def test_values_that_are_not_finite_are_refused(folder: Path) -> None:
    array = made_voxels()
    array[1, 2, 3] = np.nan
    assert "not finite" in refusal(read_image, write_nrrd(folder / "a.nrrd", array.tobytes()))
    assert "not finite" in refusal(read_image, write_meta(folder / "a.mha", array.tobytes()))


def test_a_nrrd_series_is_refused(folder: Path) -> None:
    path = write_nrrd(
        folder / "a.nrrd",
        made_voxels().tobytes() * 2,
        dimension="4",
        sizes="6 5 4 2",
        space_directions="(0.9,0,0) (0,1.2,0) (0,0,3.1) none",
        kinds="domain domain domain list",
    )
    assert "6 × 5 × 4 × 2" in refusal(read_image, path)


def test_a_metaimage_series_is_refused(folder: Path) -> None:
    path = write_meta(folder / "a.mha", made_voxels().tobytes() * 2, NDims="4", DimSize="6 5 4 2")
    assert "6 × 5 × 4 × 2" in refusal(read_image, path)


def test_a_color_metaimage_is_refused(folder: Path) -> None:
    path = write_meta(folder / "a.mha", bytes(360), ElementType="MET_UCHAR", ElementNumberOfChannels="3")
    assert "values each: 3" in refusal(read_image, path)


@pytest.mark.parametrize("size", ["6 5", "6 5 1"])
def test_one_slice_is_refused(folder: Path, size: str) -> None:
    data = made_voxels()[0].tobytes()
    assert "single slice" in refusal(read_image, write_nrrd(folder / "a.nrrd", data, sizes=size))
    assert "single slice" in refusal(read_image, write_meta(folder / "a.mha", data, DimSize=size))


# --- damaged files


def test_a_metaimage_with_more_voxels_than_its_header_says_is_refused(folder: Path) -> None:
    assert "120 bytes more" in refusal(read_image, write_meta(folder / "a.mha", DimSize="6 5 3"))


def test_files_cut_short_are_refused(folder: Path) -> None:
    data = made_voxels().tobytes()[:-40]
    assert "40 bytes of its voxels are missing" in refusal(read_image, write_nrrd(folder / "a.nrrd", data))
    assert "40 bytes of its voxels are missing" in refusal(read_image, write_meta(folder / "a.mha", data))


def test_a_flipped_bit_in_compressed_data_is_noticed(folder: Path) -> None:
    data = gzip_with_flipped_bit(made_voxels().tobytes())
    assert "compressed data" in refusal(read_image, write_nrrd(folder / "a.nrrd", data, encoding="gzip"))
    path = write_meta(folder / "a.mha", data, CompressedData="True", CompressedDataSize=str(len(data)))
    assert "compressed data" in refusal(read_image, path)


def test_compressed_data_without_its_checksum_is_refused(folder: Path) -> None:
    gzipped, zipped = gzip.compress(made_voxels().tobytes()), zlib.compress(made_voxels().tobytes())
    nrrd = write_nrrd(folder / "a.nrrd", gzipped[:-4], encoding="gzip")
    meta = write_meta(folder / "a.mha", zipped[:-2], CompressedData="True", CompressedDataSize=str(len(zipped) - 2))
    assert "compressed data" in refusal(read_image, nrrd)
    assert "compressed data" in refusal(read_image, meta)


def test_a_compressed_metaimage_with_too_few_voxels_is_refused(folder: Path) -> None:
    data = zlib.compress(made_voxels().tobytes()[:-4])
    path = write_meta(folder / "a.mha", data, CompressedData="True", CompressedDataSize=str(len(data)))
    assert "4 bytes of its voxels are missing" in refusal(read_image, path)


def test_a_detached_header_whose_voxels_are_missing_is_refused(folder: Path) -> None:
    assert "is missing" in refusal(read_image, write_nrrd(folder / "a.nhdr", b"", data_file="gone.raw"))
    assert "is missing" in refusal(read_image, write_meta(folder / "a.mhd", b"", ElementDataFile="gone.raw"))


def test_voxels_spread_over_several_files_are_refused(folder: Path) -> None:
    assert "several files" in refusal(read_image, write_nrrd(folder / "a.nhdr", b"", data_file="LIST"))
    assert "several files" in refusal(read_image, write_meta(folder / "a.mhd", b"", ElementDataFile="LIST"))


@pytest.mark.parametrize("name", ["a.nrrd", "a.nhdr", "a.mha", "a.mhd"])
def test_a_file_under_a_wrong_extension_is_refused(folder: Path, name: str) -> None:
    write_nifti(folder / "a.nii").rename(folder / name)
    assert "is not a" in refusal(read_image, folder / name)


def test_a_header_without_a_size_is_refused(folder: Path) -> None:
    assert "states no size" in refusal(read_image, write_nrrd(folder / "a.nrrd", sizes=None))
    assert "states no size" in refusal(read_image, write_meta(folder / "a.mha", DimSize="many"))


# --- no image at all


@pytest.mark.parametrize(
    ("name", "said"),
    [("gone.nii.gz", "does not exist"), ("notes.txt", "is not an image file"), ("empty.nii", "is an empty file")],
)
def test_what_is_no_image_is_refused(folder: Path, name: str, said: str) -> None:
    (folder / "notes.txt").write_text("hello")
    (folder / "empty.nii").touch()
    assert said in refusal(read_image, folder / name)


def test_a_folder_named_like_an_image_is_refused(folder: Path) -> None:
    (folder / "a.nii").mkdir()
    assert "is a folder" in refusal(read_image, folder / "a.nii")


def test_no_message_of_a_reader_reaches_the_terminal(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    refusal(read_image, write_meta(folder / "a.mha", made_voxels().tobytes()[:-40]))
    refusal(read_image, write_nrrd(folder / "a.nrrd", made_voxels().tobytes()[:-40]))
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
