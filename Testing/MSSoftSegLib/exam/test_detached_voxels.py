"""Headers whose voxels lie in another file, or in other units: what would move every voxel is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.exam.image_file import read_image
from Testing.MSSoftSegLib.exam.made_files import made_voxels, refusal, write_meta, write_nrrd


def write_detached(folder: Path, suffix: str, before: bytes = b"", **fields: str) -> Path:
    """A header and its voxels, behind some bytes."""
    (folder / "voxels.raw").write_bytes(before + made_voxels().tobytes())
    if suffix == ".nhdr":
        return write_nrrd(folder / "a.nhdr", b"", **{"data file": "voxels.raw"}, **fields)
    return write_meta(folder / "a.mhd", b"", **{"ElementDataFile": "voxels.raw"}, **fields)


@pytest.mark.parametrize("suffix", [".nhdr", ".mhd"])
def test_a_file_of_voxels_that_is_longer_than_its_header_says_is_refused(tmp_path: Path, suffix: str) -> None:
    path = write_detached(tmp_path, suffix)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(path)), made_voxels())
    assert "holds 24 bytes more" in refusal(read_image, write_detached(tmp_path, suffix, b"0" * 24))


@pytest.mark.parametrize(("suffix", "fields"), [(".nhdr", {"byte skip": "24"}), (".mhd", {"HeaderSize": "24"})])
def test_what_the_header_says_to_skip_is_skipped(tmp_path: Path, suffix: str, fields: dict[str, str]) -> None:
    found = read_image(write_detached(tmp_path, suffix, b"0" * 24, **fields))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found), made_voxels())


@pytest.mark.parametrize(
    ("units", "fine"), [('"mm" "mm" "mm"', True), ('"um" "um" "um"', False), ('"cm" "cm" "cm"', False)]
)
def test_a_space_in_other_units_than_millimeters_is_refused(tmp_path: Path, units: str, fine: bool) -> None:
    path = write_nrrd(tmp_path / "a.nrrd", **{"space units": units})
    if fine:
        read_image(path)
    else:
        assert "not mm" in refusal(read_image, path)
