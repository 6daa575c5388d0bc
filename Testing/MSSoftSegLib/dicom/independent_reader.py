"""DICOM segmentations read without any code of the product: frame by frame, from each frame's own position and orientation."""

from __future__ import annotations

import numpy as np
import pydicom
import SimpleITK as sitk


def group(dataset, frame, name):
    """A functional group of a frame, wherever the standard lets it be."""
    for item in (dataset.PerFrameFunctionalGroupsSequence[frame], dataset.SharedFunctionalGroupsSequence[0]):
        if f"{name}Sequence" in item:
            return item[f"{name}Sequence"].value[0]
    raise AssertionError(f"frame {frame} has no {name}")


def stored_frames(dataset):
    """(frame, row, column); one-bit pixels are unpacked here, least significant bit first (PS3.5, 8.1.1)."""
    shape = int(dataset.NumberOfFrames), int(dataset.Rows), int(dataset.Columns)
    if dataset.BitsAllocated == 1:
        bits = np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), bitorder="little")
        return bits[: np.prod(shape)].reshape(shape)
    return np.frombuffer(dataset.PixelData, np.uint8)[: np.prod(shape)].reshape(shape)


def points_and_values(path):
    """Of each segment the LPS points, in mm, of its voxels that are not 0, and their values from 0 to 1."""
    dataset = pydicom.dcmread(path)
    scale = int(dataset.MaximumFractionalValue) if dataset.SegmentationType == "FRACTIONAL" else 1
    found = {int(segment.SegmentNumber): ([np.zeros((0, 3))], [np.zeros(0)]) for segment in dataset.SegmentSequence}
    for number, frame in enumerate(stored_frames(dataset)):
        position = np.array(group(dataset, number, "PlanePosition").ImagePositionPatient, float)
        axes = np.array(group(dataset, number, "PlaneOrientation").ImageOrientationPatient, float)
        down_mm, across_mm = map(float, group(dataset, number, "PixelMeasures").PixelSpacing)
        rows, columns = np.nonzero(frame)
        points = position + np.outer(columns * across_mm, axes[:3]) + np.outer(rows * down_mm, axes[3:])
        segment = int(group(dataset, number, "SegmentIdentification").ReferencedSegmentNumber)
        found[segment][0].append(points)
        found[segment][1].append(frame[rows, columns] / scale)
    return {segment: (np.vstack(points), np.concatenate(values)) for segment, (points, values) in found.items()}


def on_grid_of(image, points, values):
    """The voxels of an image's grid, (z, y, x), that lie at the points; each point must be the center of one."""
    out = np.zeros(image.GetSize()[::-1], np.float64)
    for point, value in zip(points, values, strict=True):
        place = np.array(image.TransformPhysicalPointToContinuousIndex(point.tolist()))
        assert np.abs(place - np.rint(place)).max() < 0.02, "a voxel lies between the voxels of the case"
        x, y, z = np.rint(place).astype(int)
        out[z, y, x] = value
    return out


def array(image):
    return sitk.GetArrayFromImage(image)
