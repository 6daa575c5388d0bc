"""Files that claim to be enormous, and small ones that unpack to enormous ones: refused by name, without taking the memory."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.exam.image_file import read_channels, read_image
from MSSoftSegLib.exam.inflating import Damaged, TooLong, inflate_all
from Testing.MSSoftSegLib.exam.made_files import (
    DIM,
    made_voxels,
    patch,
    refusal,
    write_meta,
    write_nifti,
    write_nrrd,
)

# Unpacked; hundreds of times smaller on the disk.
BOMB_BYTES = 48 << 20
MOST_BYTES = 40 << 20
VOXEL_OFFSET = 108


def bomb(path: Path, beginning: bytes = b"", *, kind: int = 31) -> bytes:
    """What begins as said, with zeros behind it, compressed; written to the path."""
    stream = zlib.compressobj(1, wbits=kind)
    zeros = bytes(1 << 20)
    content = stream.compress(beginning) + b"".join(stream.compress(zeros) for _ in range(BOMB_BYTES >> 20))
    path.write_bytes(content + stream.flush())
    return path.read_bytes()


def refused_in_little_memory(path: Path) -> str:
    tracemalloc.start()
    try:
        said = refusal(read_image, path)
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
    return said


def test_zeros_without_a_header_are_not_unpacked(tmp_path):
    bomb(tmp_path / "a.nii.gz")
    assert "is not a NIfTI file" in refused_in_little_memory(tmp_path / "a.nii.gz")


def test_no_more_is_unpacked_than_a_header_accounts_for(tmp_path):
    bomb(tmp_path / "a.nii.gz", write_nifti(tmp_path / "whole.nii").read_bytes())
    packed = bomb(tmp_path / "packed")
    write_nrrd(tmp_path / "a.nrrd", packed, encoding="gzip")
    write_meta(tmp_path / "a.mha", packed, CompressedData="True", CompressedDataSize=str(len(packed)))
    for name in ("a.nii.gz", "a.nrrd", "a.mha"):
        assert "far more bytes" in refused_in_little_memory(tmp_path / name)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_size_that_no_head_has_is_refused_before_its_voxels_are_looked_for(tmp_path, name):
    path = patch(write_nifti(tmp_path / "a.nii"), DIM + 2, struct.pack("<3h", 2000, 2000, 1000))
    if name.endswith(".gz"):
        bomb(tmp_path / name, path.read_bytes())
    assert "states 2000 × 2000 × 1000 voxels, more than" in refused_in_little_memory(tmp_path / name)


def test_channels_count_together(tmp_path):
    path = patch(write_nifti(tmp_path / "a.nii"), DIM, struct.pack("<5h", 4, 1000, 1000, 500, 2))
    assert "1000000000 values, more than" in refusal(lambda file: read_channels(file, 2), path)


@pytest.mark.parametrize("sizes", ["3000 3000 3000", "800 800 800"])
@pytest.mark.parametrize("encoding", ["raw", "gzip", "txt", "hex"])
def test_a_nrrd_file_that_states_more_than_it_holds_is_refused(tmp_path, sizes, encoding):
    data = gzip.compress(bytes(100)) if encoding == "gzip" else b"1 2 3"
    said = refused_in_little_memory(write_nrrd(tmp_path / "a.nrrd", data, sizes=sizes, encoding=encoding))
    assert ("more than an image of a head" if "3000" in sizes else "bytes of its voxels are missing") in said


@pytest.mark.parametrize("binary", ["True", "False"])
def test_a_metaimage_that_states_more_than_it_holds_is_refused(tmp_path, binary):
    path = write_meta(tmp_path / "a.mha", b"1 2 3", DimSize="800 800 800", BinaryData=binary)
    assert "bytes of its voxels are missing" in refused_in_little_memory(path)


@pytest.mark.parametrize("offset", [float("inf"), 1e30, 3e8])
def test_voxels_that_begin_nowhere_are_refused(tmp_path, offset):
    path = patch(write_nifti(tmp_path / "a.nii"), VOXEL_OFFSET, struct.pack("<f", offset))
    assert "where the voxels begin" in refusal(read_image, path)


def test_notes_behind_the_voxels_do_no_harm(tmp_path):
    whole = write_nifti(tmp_path / "whole.nii").read_bytes()
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(whole + b"made by a scanner" * 1000))
    np.testing.assert_array_equal(np.unique(made_voxels()), np.unique(_values(tmp_path / "a.nii.gz")))


def test_streams_one_after_the_other_are_one_file(tmp_path):
    whole = write_nifti(tmp_path / "whole.nii").read_bytes()
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(whole[:200]) + gzip.compress(whole[200:]) + bytes(512))
    np.testing.assert_array_equal(_values(tmp_path / "a.nii.gz"), _values(tmp_path / "whole.nii"))


def _values(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(read_image(path))


def test_unpacking_stops_at_its_limit_over_all_streams():
    packed = gzip.compress(b"one") + gzip.compress(b"three")
    assert inflate_all(packed, most_bytes=8) == b"onethree"
    with pytest.raises(TooLong):
        inflate_all(packed, most_bytes=7)
    with pytest.raises(Damaged):
        inflate_all(packed[:-1], most_bytes=8)
    with pytest.raises(Damaged):
        inflate_all(b"", most_bytes=8)
