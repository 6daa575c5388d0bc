"""Masks keep their labels and their grid; what is written is complete or absent."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from MSSoftSegLib.errors import BadImage, DiskFull, GridMismatch, RequestError
from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.image_file import compute_sha256, read_image, read_mask, write_image, write_images
from Testing.MSSoftSegLib.exam.made_files import (
    LPS_FROM_RAS,
    SIZE,
    angles,
    made_grid,
    made_image,
    made_voxels,
    refusal,
    write_meta,
    write_nifti,
)

FORMATS = [".nii", ".nii.gz", ".nrrd", ".mha"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose name no message may show."""
    (tmp_path / "Doe_Jane_1980").mkdir()
    return tmp_path / "Doe_Jane_1980"


def labels(*values: float, dtype: type = np.float32) -> np.ndarray:
    """A label map (x, y, z) of zeros that holds the given values, one voxel each."""
    array: np.ndarray = np.zeros(SIZE, dtype)
    for index, value in enumerate(values):
        array[index, index % 5, 1] = value
    return array


# --- masks


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_label_values_are_kept(folder: Path, dtype: type) -> None:
    mask = read_mask(write_nifti(folder / "m.nii.gz", labels(1, 2, 255, dtype=dtype)))
    assert mask.GetPixelID() == sitk.sitkUInt8
    np.testing.assert_array_equal(voxels(mask).T, labels(1, 2, 255))


def test_labels_that_lost_a_rounding_error_are_restored(folder: Path) -> None:
    mask = read_mask(write_nifti(folder / "m.nii", labels(0.9996, 2.0004, -0.0003)))
    np.testing.assert_array_equal(voxels(mask).T, labels(1, 2, 0))


@pytest.mark.parametrize("value", [0, 1])
def test_a_mask_without_lesions_or_full_of_them_is_allowed(folder: Path, value: int) -> None:
    mask = read_mask(write_nifti(folder / "m.nii", np.full(SIZE, value, np.uint8)))
    assert set(np.unique(voxels(mask))) == {value}


def test_a_probability_map_is_no_mask(folder: Path) -> None:
    assert "it holds the value 0.37" in refusal(read_mask, write_nifti(folder / "m.nii", labels(1, 0.37)))


@pytest.mark.parametrize("value", [-1, 256, 70000])
def test_labels_that_do_not_fit_are_refused_instead_of_wrapped(folder: Path, value: int) -> None:
    assert str(value) in refusal(read_mask, write_nifti(folder / "m.nii", labels(1, value, dtype=np.int32)))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_mask_that_is_not_finite_is_refused(folder: Path, value: float) -> None:
    assert "is not a mask" in refusal(read_mask, write_nifti(folder / "m.nii", labels(1, value)))


def test_a_mask_on_the_image_grid_gets_exactly_that_grid(folder: Path) -> None:
    nearly = made_grid().lps_from_voxel()
    nearly[0, 3] += 5e-4
    path = write_nifti(folder / "m.nii", labels(1), qform=LPS_FROM_RAS @ nearly, sform=LPS_FROM_RAS @ nearly)
    mask = read_mask(path, like=made_image())
    assert Grid.of(mask) == Grid.of(made_image())
    # ITK itself refuses to combine images whose grids it takes for different.
    masked = sitk.Mask(made_image(), mask)
    assert np.count_nonzero(voxels(masked)) == 1


def mismatch(path: Path, like: sitk.Image) -> str:
    with pytest.raises(GridMismatch) as caught:
        read_mask(path, like=like)
    assert caught.value.exit_code == 2
    assert caught.value.code == "grid-mismatch"
    assert caught.value.message.startswith(path.name)
    assert path.parent.name not in str(caught.value)
    return str(caught.value)


def test_a_mask_of_another_size_is_refused_with_both_sizes(folder: Path) -> None:
    image = made_image()[:, :, :3]
    text = mismatch(write_nifti(folder / "m.nii", labels(1)), like=image)
    assert "6×5×4 voxels of 0.9×1.2×3.1 mm" in text
    assert "6×5×3 voxels of 0.9×1.2×3.1 mm" in text


def test_a_mask_of_another_spacing_is_refused_with_both_spacings(folder: Path) -> None:
    image = made_image()
    image.SetSpacing((0.9, 1.2, 3.0))
    text = mismatch(write_nifti(folder / "m.nii", labels(1)), like=image)
    assert "0.9×1.2×3.1 mm" in text
    assert "0.9×1.2×3 mm" in text


def test_a_mask_that_is_half_a_voxel_off_is_refused_with_the_distance(folder: Path) -> None:
    image = made_image()
    x, y, z = image.GetOrigin()
    image.SetOrigin((x + 0.45, y, z))
    assert "0.45 mm apart" in mismatch(write_nifti(folder / "m.nii", labels(1)), like=image)


# --- write, then read


@settings(max_examples=60)
@given(
    extension=st.sampled_from(FORMATS),
    turn=st.tuples(*[angles(3)] * 3),
    mirrored=st.booleans(),
    spacing=st.tuples(*[st.floats(0.3, 6)] * 3),
    origin=st.tuples(*[st.floats(-300, 300)] * 3),
    size=st.tuples(st.integers(2, 64), st.integers(2, 7), st.integers(2, 5)),
)
def test_an_image_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    extension: str,
    turn: tuple[float, float, float],
    mirrored: bool,
    spacing: tuple[float, float, float],
    origin: tuple[float, float, float],
    size: tuple[int, int, int],
) -> None:
    direction = Rotation.from_rotvec(turn).as_matrix() * ([-1, 1, 1] if mirrored else [1, 1, 1])
    grid = Grid(size, spacing, origin, tuple(direction.ravel().tolist()))
    array = np.random.default_rng(3).normal(100, 50, size[::-1]).astype(np.float32)
    path = tmp_path_factory.mktemp("written") / f"a{extension}"
    write_image(grid.image(array), path)
    back = read_image(path)
    np.testing.assert_array_equal(voxels(back), array)
    corners = np.array([(x, y, z, 1) for x in (0, size[0] - 1) for y in (0, size[1] - 1) for z in (0, size[2] - 1)]).T
    there, here = grid.lps_from_voxel() @ corners, Grid.of(back).lps_from_voxel() @ corners
    np.testing.assert_allclose(here, there, atol=1e-4)
    np.testing.assert_allclose(back.GetSpacing(), spacing, rtol=1e-6)


def test_a_written_nifti_says_the_same_to_nibabel(folder: Path) -> None:
    write_image(made_image(), folder / "a.nii.gz")
    image = nibabel.Nifti1Image.from_filename(folder / "a.nii.gz")
    np.testing.assert_allclose(LPS_FROM_RAS @ image.affine, made_grid().lps_from_voxel(), atol=1e-4)
    np.testing.assert_array_equal(np.asarray(image.dataobj).T, made_voxels())
    assert (int(image.header["qform_code"]), int(image.header["sform_code"])) == (1, 1)


@pytest.mark.parametrize("extension", FORMATS)
@pytest.mark.parametrize("pixel_type", [sitk.sitkUInt8, sitk.sitkUInt16])
def test_label_types_are_written_as_they_are(folder: Path, extension: str, pixel_type: int) -> None:
    label_map = made_grid().image(labels(1, 2, 200).T)
    path = folder / f"m{extension}"
    write_image(sitk.Cast(label_map, pixel_type), path)
    assert sitk.ReadImage(str(path)).GetPixelID() == pixel_type
    np.testing.assert_array_equal(voxels(read_mask(path, like=label_map)).T, labels(1, 2, 200))


@pytest.mark.parametrize("extension", FORMATS)
def test_free_text_is_not_written(folder: Path, extension: str) -> None:
    image = made_image()
    for key in ("PatientName", "descrip", "0010|0010"):
        image.SetMetaData(key, "DOE^JANE")
    write_image(image, folder / f"a{extension}")
    written = sitk.ReadImage(str(folder / f"a{extension}"))
    assert all("DOE" not in written.GetMetaData(key) for key in written.GetMetaDataKeys())
    assert image.GetMetaData("PatientName") == "DOE^JANE"


def test_an_older_file_is_replaced_and_nothing_else_stays(folder: Path) -> None:
    (folder / "a.nii.gz").write_bytes(b"old")
    write_image(made_image(), folder / "a.nii.gz")
    assert [path.name for path in folder.iterdir()] == ["a.nii.gz"]
    np.testing.assert_array_equal(voxels(read_image(folder / "a.nii.gz")), made_voxels())


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are inherited from the folder there")
def test_a_written_file_is_as_readable_as_any_other_new_file(folder: Path) -> None:
    (folder / "plain").touch()
    write_image(made_image(), folder / "a.nii.gz")
    assert (folder / "a.nii.gz").stat().st_mode == (folder / "plain").stat().st_mode


@pytest.mark.parametrize("name", ["a.txt", "a", "a.mhd", "a.nhdr"])
def test_a_name_that_cannot_be_written_in_one_step_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(RequestError) as caught:
        write_image(made_image(), folder / name)
    assert caught.value.message.startswith(name)
    assert list(folder.iterdir()) == []


def test_a_missing_folder_is_refused(folder: Path) -> None:
    with pytest.raises(RequestError) as caught:
        write_image(made_image(), folder / "none" / "a.nii.gz")
    assert "a.nii.gz" in str(caught.value)
    assert str(folder) not in str(caught.value)


def test_several_images_written_at_once_are_those_written_one_by_one(folder: Path) -> None:
    images = {folder / f"{number}.nii.gz": made_image() * (number + 1.0) for number in range(6)}
    write_images(images)
    assert {path.name for path in folder.iterdir()} == {path.name for path in images}
    for path, image in images.items():
        np.testing.assert_array_equal(voxels(read_image(path)), voxels(image))


def test_of_several_images_the_one_that_cannot_be_written_is_named(folder: Path) -> None:
    before = sitk.ProcessObject.GetGlobalWarningDisplay()
    with pytest.raises(RequestError, match=r"b\.txt"):
        write_images({folder / "a.nii.gz": made_image(), folder / "b.txt": made_image()})
    assert [path.name for path in folder.iterdir()] == ["a.nii.gz"]
    assert sitk.ProcessObject.GetGlobalWarningDisplay() == before


# --- a disk that is full


@pytest.fixture
def files_of_at_most_100_kb() -> Iterator[None]:
    """The operating system cuts every file off, as a full disk does."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def incompressible_image() -> sitk.Image:
    return sitk.GetImageFromArray(np.random.default_rng(0).random((40, 50, 60), dtype=np.float32))


@pytest.mark.usefixtures("files_of_at_most_100_kb")
@pytest.mark.parametrize("extension", FORMATS)
def test_an_image_that_does_not_fit_leaves_nothing_but_the_older_file(folder: Path, extension: str) -> None:
    path = folder / f"a{extension}"
    path.write_bytes(b"old")
    with pytest.raises(DiskFull) as caught:
        write_image(incompressible_image(), path)
    assert caught.value.exit_code == 3
    assert caught.value.message.startswith(path.name)
    assert str(folder) not in str(caught.value)
    assert [left.name for left in folder.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_no_space_left_is_said_plainly(folder: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(folder))

    monkeypatch.setattr(os, step, full)
    with pytest.raises(DiskFull) as caught:
        write_image(made_image(), folder / "a.nii.gz")
    assert caught.value.message == "no space left on the disk for a.nii.gz"
    assert list(folder.iterdir()) == []


# --- checksums


def test_a_checksum_is_that_of_the_bytes(folder: Path) -> None:
    (folder / "a.nii").write_bytes(b"abc")
    # The test vector of FIPS 180-2.
    assert compute_sha256(folder / "a.nii") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_checksum_of_a_detached_header_covers_its_voxels(folder: Path) -> None:
    (folder / "a.raw").write_bytes(b"voxels")
    path = write_meta(folder / "a.mhd", b"", ElementDataFile="a.raw")
    assert compute_sha256(path) == hashlib.sha256(path.read_bytes() + b"voxels").hexdigest()


def test_the_checksum_of_a_missing_file_is_refused(folder: Path) -> None:
    with pytest.raises(BadImage, match=r"^a\.nii does not exist"):
        compute_sha256(folder / "a.nii")
