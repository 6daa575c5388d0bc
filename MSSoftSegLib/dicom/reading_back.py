"""A segmentation that was just written is read again, by pydicom alone, before it is handed out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from MSSoftSegLib.dicom.packages import import_package
from MSSoftSegLib.dicom.planes import Stack, find_functional_group
from MSSoftSegLib.errors import JobFailed


def check_written(path: Path, expected: np.ndarray, stack: Stack) -> None:
    """JobFailed where a file does not say of every voxel what it should.

    expected: (plane, row, column); a label map of integers, or soft labels of 0–1, which may be off by half a step.
    """
    dataset = import_package("pydicom").dcmread(path)
    segments = read_segments(path, stack)
    if np.issubdtype(expected.dtype, np.integer):
        same = all(np.array_equal(segment, expected == number) for number, segment in segments.items())
        same = same and set(np.unique(expected)) <= {0, *segments}
    else:
        half_step = 0.5 / int(dataset.MaximumFractionalValue)
        same = list(segments) == [1] and bool(np.abs(segments[1] - expected).max() <= half_step + 1e-6)
    if not same:
        raise JobFailed("the segmentation that was written does not hold the case's voxels", remedy="report this")


def read_segments(path: Path, stack: Stack) -> dict[int, np.ndarray]:
    """The segments by number, 0–1, (plane, row, column); every frame goes where its own position says."""
    dataset = import_package("pydicom").dcmread(path)
    frames = np.asarray(dataset.pixel_array)
    frames = frames if frames.ndim == 3 else frames[None]
    full = int(dataset.MaximumFractionalValue) if dataset.SegmentationType == "FRACTIONAL" else 1
    numbers = [int(segment.SegmentNumber) for segment in dataset.SegmentSequence]
    segments = {number: np.zeros(stack.grid.size[::-1], np.float32) for number in numbers}
    shared = dataset.SharedFunctionalGroupsSequence[0]
    voxel_from_lps = np.linalg.inv(stack.grid.lps_from_voxel())
    for frame, item in zip(frames, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        position = [float(value) for value in find_functional_group(item, shared, "PlanePosition").ImagePositionPatient]
        plane = int(np.rint((voxel_from_lps @ [*position, 1.0])[2]))
        number = int(find_functional_group(item, shared, "SegmentIdentification").ReferencedSegmentNumber)
        segments[number][plane] = frame / np.float32(full)
    return segments
