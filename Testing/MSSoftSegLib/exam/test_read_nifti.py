"""NIfTI: what ITK would silently repair is refused, and what is right lands where an independent reader puts it."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.image_file import read_image
from Testing.MSSoftSegLib.exam.made_files import (
    DIM,
    LPS_FROM_RAS,
    MAGIC,
    PIXDIM,
    QUATERNION,
    SFORM,
    SLOPE,
    angles,
    gzip_with_flipped_bit,
    made_grid,
    made_voxels,
    patch,
    ras_affine,
    refusal,
    write_nifti,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose name no message may show."""
    (tmp_path / "Doe_Jane_1980").mkdir()
    return tmp_path / "Doe_Jane_1980"


# --- what is right


@pytest.mark.parametrize("codes", [(1, 0), (0, 1), (1, 1), (2, 1), (1, 4)])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_an_oblique_image_lands_where_nibabel_puts_it(folder: Path, name: str, codes: tuple[int, int]) -> None:
    path = write_nifti(folder / name, codes=codes)
    image = read_image(path)
    assert image.GetPixelID() == sitk.sitkFloat32
    assert image.GetSize() == (6, 5, 4)
    np.testing.assert_array_equal(voxels(image), made_voxels())
    np.testing.assert_allclose(
        Grid.of(image).lps_from_voxel(), LPS_FROM_RAS @ nibabel.Nifti1Image.from_filename(path).affine, atol=1e-4
    )


@settings(max_examples=40)
@given(
    turn=st.tuples(*[angles(3)] * 3),
    flips=st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3),
    order=st.permutations([0, 1, 2]),
    codes=st.sampled_from([(1, 0), (0, 1), (1, 1)]),
)
def test_any_turned_or_mirrored_image_lands_where_nibabel_puts_it(
    tmp_path_factory: pytest.TempPathFactory,
    turn: tuple[float, float, float],
    flips: tuple[float, float, float],
    order: list[int],
    codes: tuple[int, int],
) -> None:
    axes = Rotation.from_rotvec(turn).as_matrix() @ (np.eye(3)[:, order] * flips)
    affine = ras_affine(made_grid(axes))
    path = write_nifti(tmp_path_factory.mktemp("x") / "a.nii", qform=affine, sform=affine, codes=codes)
    np.testing.assert_allclose(
        Grid.of(read_image(path)).lps_from_voxel(),
        LPS_FROM_RAS @ nibabel.Nifti1Image.from_filename(path).affine,
        atol=1e-4,
    )


def test_the_corner_voxel_lies_at_the_point_worked_out_by_hand(folder: Path) -> None:
    # RAS: x = 10 - 2i, y = 20 + 3k, z = -5 + 4j. Voxel (1, 2, 3) is RAS (8, 29, 3), so LPS (-8, -29, 3).
    affine = np.array([[-2, 0, 0, 10], [0, 0, 3, 20], [0, 4, 0, -5], [0, 0, 0, 1]], dtype=float)
    image = read_image(write_nifti(folder / "a.nii", qform=affine, sform=affine))
    assert image.TransformIndexToPhysicalPoint((1, 2, 3)) == pytest.approx((-8, -29, 3))
    assert image.GetSpacing() == pytest.approx((2, 4, 3))


def test_scaling_of_the_header_is_applied(folder: Path) -> None:
    stored = np.arange(120, dtype=np.int16).reshape(6, 5, 4)
    path = patch(write_nifti(folder / "a.nii", stored), SLOPE, struct.pack("<ff", 2.5, -10))
    np.testing.assert_allclose(voxels(read_image(path)).T, stored * 2.5 - 10)


def test_a_slope_of_zero_means_no_scaling(folder: Path) -> None:
    stored = np.arange(120, dtype=np.int16).reshape(6, 5, 4)
    path = patch(write_nifti(folder / "a.nii", stored), SLOPE, struct.pack("<ff", 0, -10))
    np.testing.assert_array_equal(voxels(read_image(path)).T, stored)


def test_big_endian_files_are_read(folder: Path) -> None:
    header = nibabel.Nifti1Header(endianness=">")
    image = nibabel.Nifti1Image(made_voxels().T, ras_affine(made_grid()), header)
    nibabel.save(image, folder / "a.nii")
    assert (folder / "a.nii").read_bytes()[:4] == b"\x00\x00\x01\x5c"
    np.testing.assert_array_equal(voxels(read_image(folder / "a.nii")), made_voxels())


def test_a_fourth_dimension_of_one_is_no_series(folder: Path) -> None:
    image = read_image(write_nifti(folder / "a.nii", made_voxels().T[..., None]))
    assert image.GetSize() == (6, 5, 4)


@pytest.mark.parametrize("name", ["noted.nii", "noted.nii.gz"])
def test_an_image_whose_header_is_followed_by_long_notes_is_read(folder: Path, name: str) -> None:
    """As AFNI and many converters write them: more than fits into what is looked at first."""
    array = np.random.default_rng(0).normal(100, 20, (9, 8, 7)).astype(np.float32)
    image = nibabel.Nifti1Image(array, np.diag([-1.0, -1.0, 2.0, 1.0]))
    for note in (b"short", b"x" * 5000):
        image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", note))
    nibabel.save(image, folder / name)
    assert np.array_equal(voxels(read_image(folder / name)).transpose(), array)


def test_left_handed_axes_are_kept(folder: Path) -> None:
    affine = ras_affine(made_grid(np.diag([1.0, -1.0, 1.0])))
    image = read_image(write_nifti(folder / "a.nii", qform=affine, sform=affine))
    assert np.linalg.det(np.reshape(image.GetDirection(), (3, 3))) == pytest.approx(-1)


def test_two_orientations_that_differ_by_rounding_are_one(folder: Path) -> None:
    affine = ras_affine(made_grid())
    moved = affine.copy()
    moved[0, 3] += 0.09
    assert read_image(write_nifti(folder / "a.nii", qform=affine, sform=moved)).GetSize() == (6, 5, 4)


def test_an_upper_case_extension_is_read(folder: Path) -> None:
    write_nifti(folder / "a.nii.gz").rename(folder / "A.NII.GZ")
    np.testing.assert_array_equal(voxels(read_image(folder / "A.NII.GZ")), made_voxels())


def test_header_text_does_not_travel_with_the_image(folder: Path) -> None:
    path = patch(write_nifti(folder / "a.nii"), 148, b"DOE^JANE")
    assert read_image(path).GetMetaDataKeys() == ()


# --- geometry that cannot be trusted


def test_two_orientations_that_disagree_are_refused_with_the_distance(folder: Path) -> None:
    affine = ras_affine(made_grid())
    moved = affine.copy()
    moved[1, 3] += 4
    text = refusal(read_image, write_nifti(folder / "a.nii", qform=affine, sform=moved))
    assert "qform and sform" in text
    assert "4.00 mm" in text


def test_two_orientations_that_are_turned_against_each_other_are_measured_at_the_farthest_corner(
    folder: Path,
) -> None:
    straight = np.diag([1.0, 1.0, 1.0, 1.0])
    mirrored = np.diag([-1.0, 1.0, 1.0, 1.0])
    # Both start at 0; the last voxel along x lies at +5 mm in one and -5 mm in the other.
    assert "10.00 mm" in refusal(read_image, write_nifti(folder / "a.nii", qform=straight, sform=mirrored))


def test_an_image_without_orientation_is_refused(folder: Path) -> None:
    assert "qform and sform codes are both 0" in refusal(read_image, write_nifti(folder / "a.nii", codes=(0, 0)))


@pytest.mark.parametrize("spacing", [0.0, -0.9, float("nan"), float("inf")])
@pytest.mark.parametrize("codes", [(1, 0), (0, 1), (1, 1)])
def test_a_voxel_size_that_is_not_positive_is_refused(folder: Path, codes: tuple[int, int], spacing: float) -> None:
    path = patch(write_nifti(folder / "a.nii", codes=codes), PIXDIM + 4, struct.pack("<f", spacing))
    assert "voxel size" in refusal(read_image, path)


def test_a_sheared_sform_is_refused_with_the_distance(folder: Path) -> None:
    sheared = np.diag([1.0, 1.0, 1.0, 1.0])
    sheared[0, 1] = 1.0
    path = write_nifti(folder / "a.nii", sform=sheared, codes=(0, 1))
    patch(path, PIXDIM + 4, struct.pack("<fff", 1, np.sqrt(2), 1))
    text = refusal(read_image, path)
    assert "not unit vectors at right angles" in text
    assert " mm" in text


def test_an_sform_that_contradicts_the_voxel_size_is_refused(folder: Path) -> None:
    # ITK takes the spacing from one and the axes from the other: 5 voxels × 1 mm too long along x.
    path = write_nifti(folder / "a.nii", sform=np.diag([2.0, 1, 1, 1]), codes=(0, 1))
    patch(path, PIXDIM + 4, struct.pack("<fff", 1, 1, 1))
    assert "contradict each other by 5.00 mm" in refusal(read_image, path)


def test_a_degenerate_sform_is_refused(folder: Path) -> None:
    path = write_nifti(folder / "a.nii", codes=(0, 1))
    patch(path, SFORM, struct.pack("<12f", 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0))
    assert "degenerate" in refusal(read_image, path)


def test_an_sform_of_zeros_is_refused(folder: Path) -> None:
    path = patch(write_nifti(folder / "a.nii", codes=(0, 1)), SFORM, bytes(48))
    assert "voxel size of 0 × 0 × 0 mm" in refusal(read_image, path)


def test_an_origin_that_is_not_a_number_is_refused(folder: Path) -> None:
    path = patch(write_nifti(folder / "a.nii", codes=(0, 1)), SFORM + 12, struct.pack("<f", float("nan")))
    assert "not a number" in refusal(read_image, path)


def test_not_a_number_in_one_of_two_orientations_is_refused(folder: Path) -> None:
    path = patch(write_nifti(folder / "a.nii"), SFORM + 12, struct.pack("<f", float("nan")))
    assert "disagree" in refusal(read_image, path)


def test_a_quaternion_that_is_no_rotation_is_refused(folder: Path) -> None:
    path = patch(write_nifti(folder / "a.nii", codes=(1, 0)), QUATERNION, struct.pack("<fff", 0.9, 0.9, 0.9))
    assert "not a rotation" in refusal(read_image, path)


def test_an_image_in_meters_is_refused(folder: Path) -> None:
    path = patch(write_nifti(folder / "a.nii"), 123, bytes([1]))
    assert "900 × 1200 × 3100 mm" in refusal(read_image, path)


# --- contents that cannot be trusted


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_values_that_are_not_finite_are_refused(folder: Path, value: float) -> None:
    array = made_voxels().T.copy()
    array[1, 2, 3] = array[0, 0, 0] = value
    assert "not finite numbers (2 of 120)" in refusal(read_image, write_nifti(folder / "a.nii", array))


def test_values_too_large_for_float32_are_refused(folder: Path) -> None:
    array = made_voxels().T.astype(np.float64)
    array[1, 2, 3] = 1e300
    assert "(-3 to 1e+300) are beyond what 32 bits can hold" in refusal(
        read_image, write_nifti(folder / "a.nii", array)
    )


@pytest.mark.parametrize("value", [0, 17])
def test_an_image_of_one_value_is_refused(folder: Path, value: int) -> None:
    text = refusal(read_image, write_nifti(folder / "a.nii", np.full((6, 5, 4), value, np.int16)))
    assert f"every voxel is {value}" in text


def test_a_series_is_refused(folder: Path) -> None:
    path = write_nifti(folder / "a.nii", np.stack([made_voxels().T] * 2, axis=-1))
    assert "6 × 5 × 4 × 2" in refusal(read_image, path)


@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 1), (1, 5, 4)])
def test_one_slice_is_refused(folder: Path, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    assert "single slice" in refusal(read_image, write_nifti(folder / "a.nii", array))


def test_color_is_refused(folder: Path) -> None:
    color = np.zeros((6, 5, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    assert "color" in refusal(read_image, write_nifti(folder / "a.nii", color))


def test_complex_values_are_refused(folder: Path) -> None:
    assert "complex" in refusal(read_image, write_nifti(folder / "a.nii", (made_voxels().T + 1j).astype(np.complex64)))


# --- files that are damaged or not what they seem


def test_a_file_cut_short_is_refused_not_filled_with_zeros(folder: Path) -> None:
    path = write_nifti(folder / "a.nii")
    path.write_bytes(path.read_bytes()[:-100])
    assert "100 bytes of its voxels are missing" in refusal(read_image, path)


def test_a_compressed_file_cut_short_is_refused(folder: Path) -> None:
    path = write_nifti(folder / "a.nii.gz")
    path.write_bytes(path.read_bytes()[:-30])
    assert "damaged or incomplete" in refusal(read_image, path)


def test_a_compressed_file_with_a_short_payload_is_refused(folder: Path) -> None:
    path = write_nifti(folder / "a.nii")
    (folder / "b.nii.gz").write_bytes(gzip.compress(path.read_bytes()[:-8]))
    assert "8 bytes of its voxels are missing" in refusal(read_image, folder / "b.nii.gz")


def test_a_flipped_bit_in_a_compressed_file_is_noticed(folder: Path) -> None:
    path = write_nifti(folder / "a.nii")
    (folder / "b.nii.gz").write_bytes(gzip_with_flipped_bit(path.read_bytes()))
    assert "damaged" in refusal(read_image, folder / "b.nii.gz")


def test_an_uncompressed_file_named_gz_is_refused(folder: Path) -> None:
    write_nifti(folder / "a.nii").rename(folder / "a.nii.gz")
    assert "rename it to .nii" in refusal(read_image, folder / "a.nii.gz")


@pytest.mark.parametrize("content", [b"hello" * 200, b"\x5c\x01\x00\x00" + bytes(100), b"\x1f\x8b" + bytes(400)])
def test_a_file_that_is_no_nifti_is_refused(folder: Path, content: bytes) -> None:
    (folder / "a.nii").write_bytes(content)
    assert "not a NIfTI file" in refusal(read_image, folder / "a.nii")


def test_the_header_of_an_analyze_pair_is_refused(folder: Path) -> None:
    assert "not a NIfTI file" in refusal(read_image, patch(write_nifti(folder / "a.nii"), MAGIC, b"ni1\x00"))


def test_a_nifti2_file_is_refused_by_that_name(folder: Path) -> None:
    nibabel.save(nibabel.Nifti2Image(made_voxels().T, ras_affine(made_grid())), folder / "a.nii")
    assert "NIfTI-2" in refusal(read_image, folder / "a.nii")


@pytest.mark.parametrize("dims", [(3, -6, 5, 4), (0, 6, 5, 4), (9, 6, 5, 4), (3, 6, 0, 4)])
def test_a_size_that_is_nonsense_is_refused(folder: Path, dims: tuple[int, ...]) -> None:
    path = patch(write_nifti(folder / "a.nii"), DIM, struct.pack("<4h", *dims))
    refusal(read_image, path)


def test_a_size_beyond_the_file_is_refused_without_reserving_memory(folder: Path) -> None:
    path = patch(write_nifti(folder / "a.nii"), DIM + 2, struct.pack("<3h", 800, 800, 800))
    assert "bytes of its voxels are missing" in refusal(read_image, path)


def test_an_unknown_voxel_type_is_refused(folder: Path) -> None:
    path = patch(write_nifti(folder / "a.nii"), 70, struct.pack("<h", 999))
    assert "unknown type" in refusal(read_image, path)


def test_nothing_is_written_to_the_terminal_about_a_refused_file(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # ITK warns about this one, with its full path.
    path = write_nifti(folder / "a.nii", sform=np.diag([2.0, 1, 1, 1]), codes=(0, 1))
    refusal(read_image, patch(path, PIXDIM + 4, struct.pack("<fff", 1, 1, 1)))
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_warnings_of_itk_are_as_before_after_reading(folder: Path) -> None:
    before = sitk.ProcessObject.GetGlobalWarningDisplay()
    try:
        for wanted in (True, False):
            sitk.ProcessObject.SetGlobalWarningDisplay(wanted)
            read_image(write_nifti(folder / "a.nii"))
            refusal(read_image, write_nifti(folder / "b.nii", codes=(0, 0)))
            assert sitk.ProcessObject.GetGlobalWarningDisplay() is wanted
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(before)
