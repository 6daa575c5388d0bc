"""DICOM headers that state enormous images: refused by name, before the memory is taken."""

from __future__ import annotations

import tracemalloc

import pydicom
import pytest

from MSSoftSegLib.dicom.pixels import read_voxels
from MSSoftSegLib.dicom.planes import read_planes, stack_planes
from MSSoftSegLib.errors import BadImage
from Testing.MSSoftSegLib.dicom.made_series import head, write_series

MOST_BYTES = 32 << 20


def read(folder, **changes):
    """The series' voxels once some elements of every file say something else."""
    paths = tuple(sorted(path for path in folder.rglob("*") if path.is_file()))
    for path in paths:
        dataset = pydicom.dcmread(path)
        for word, value in changes.items():
            setattr(dataset, word, value)
        dataset.save_as(path)
    stack = stack_planes(read_planes(tuple(pydicom.dcmread(path, stop_before_pixels=True) for path in paths)))
    return read_voxels(paths, stack)


@pytest.mark.parametrize("changes", [{"Rows": 65535, "Columns": 65535}, {"NumberOfFrames": 2**31 - 1}])
def test_more_voxels_than_a_head_has_are_refused_without_taking_the_memory(tmp_path, changes):
    image = head()
    write_series(image, tmp_path)
    assert read(tmp_path).GetSize() == image.GetSize()
    tracemalloc.start()
    try:
        with pytest.raises(BadImage, match="than an image of a head has"):
            read(tmp_path, **changes)
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
