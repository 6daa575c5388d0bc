"""The voxels of a source series, for comparing them with an image that should be the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.dicom.packages import package
from MSSoftSegLib.dicom.planes import SERIES, Stack
from MSSoftSegLib.errors import BadImage

if TYPE_CHECKING:
    from pydicom import Dataset


def read_voxels(paths: tuple[Path, ...], stack: Stack) -> sitk.Image:
    """The series as float32 on its grid, rescaled as its header says; BadImage where pixels are missing or unreadable."""
    array = np.zeros(stack.grid.size[::-1], np.float32)
    file, frames, dataset = -1, np.zeros((0, 0, 0)), None
    for index in sorted(range(len(stack.planes)), key=lambda index: stack.planes[index].file):
        plane = stack.planes[index]
        if plane.file != file:
            file = plane.file
            dataset, frames = _decoded(paths[file])
        if frames.shape[1:] != array.shape[1:] or plane.frame >= len(frames):
            raise BadImage(f"an image of {SERIES} has other pixels than its header says", remedy="fetch it again")
        slope, intercept = _rescaling(dataset, plane.frame)
        array[index] = frames[plane.frame] * slope + intercept
    return stack.grid.image(array)


def _decoded(path: Path) -> tuple[Dataset, np.ndarray]:
    """A file and its frames (frame, row, column)."""
    try:
        dataset = package("pydicom").dcmread(path)
        pixels = np.asarray(dataset.pixel_array)
    except (NotImplementedError, RuntimeError):
        raise BadImage(
            f"{SERIES} is compressed in a way that cannot be read here",
            remedy="install pylibjpeg with its plugins, or export the series uncompressed",
        ) from None
    except Exception:
        raise BadImage(f"the pixels of an image of {SERIES} cannot be read", remedy="fetch it again") from None
    if int(dataset.get("SamplesPerPixel", 1)) != 1:
        raise BadImage(f"{SERIES} is in color", remedy="name the FLAIR series")
    return dataset, pixels if pixels.ndim == 3 else pixels[None]


def _rescaling(dataset: Any, frame: int) -> tuple[float, float]:
    """Slope and intercept from stored to shown values."""
    places = [dataset]
    for name, number in (("PerFrameFunctionalGroupsSequence", frame), ("SharedFunctionalGroupsSequence", 0)):
        groups = dataset.get(name)
        transformation = groups[number].get("PixelValueTransformationSequence") if groups else None
        places += [transformation[0]] if transformation else []
    for place in places:
        if place.get("RescaleSlope") is not None:
            return float(place.RescaleSlope), float(place.get("RescaleIntercept") or 0.0)
    return 1.0, 0.0
