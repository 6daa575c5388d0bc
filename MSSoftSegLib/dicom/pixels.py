"""The voxels of a source series, for comparing them with an image that should be the same."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.dicom.elements import number
from MSSoftSegLib.dicom.packages import import_package
from MSSoftSegLib.dicom.planes import SERIES, Stack
from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.itk_file import quiet_itk
from MSSoftSegLib.exam.placement import MOST_VOXELS

if TYPE_CHECKING:
    from pydicom import Dataset


def read_voxels(paths: tuple[Path, ...], stack: Stack, name: str = SERIES) -> sitk.Image:
    """The series as float32 on its grid, rescaled as its header says; BadImage where pixels are missing or unreadable.

    name: what the series is called in messages.
    """
    array = np.zeros(stack.grid.size[::-1], np.float32)
    file, found = -1, None
    for index in sorted(range(len(stack.planes)), key=lambda index: stack.planes[index].file):
        plane = stack.planes[index]
        if found is None or plane.file != file:
            file = plane.file
            found = _decoded(paths[file], name)
        if found.frames.shape[1:] != array.shape[1:] or plane.frame >= len(found.frames):
            raise BadImage(
                f"image {index + 1} of {name} has other pixels than its header says", remedy="fetch it again"
            )
        slope, intercept = (1.0, 0.0) if found.rescaled else _rescaling(found.dataset, plane.frame)
        if not (slope and math.isfinite(slope) and math.isfinite(intercept)):
            raise BadImage(
                f"image {index + 1} of {name} has a rescale slope of {slope:g}, which leaves nothing of it",
                remedy="fetch it again, or export the series from the scanner",
            )
        array[index] = found.frames[plane.frame] * slope + intercept
    return stack.grid.image(array)


@dataclass(frozen=True)
class _Decoded:
    """A file and its frames (frame, row, column). rescaled: whether the frames are as shown, not as stored."""

    dataset: Dataset
    frames: np.ndarray
    rescaled: bool = False


def _decoded(path: Path, name: str) -> _Decoded:
    try:
        dataset = import_package("pydicom").dcmread(path, force=True)
        if dataset.file_meta.get("TransferSyntaxUID") is None:
            dataset.file_meta.TransferSyntaxUID = _syntax_of_bare(dataset)
        if int(dataset.get("SamplesPerPixel", 1)) != 1:
            raise BadImage(f"{name} is in color", remedy="name the FLAIR series")
        frames = int(dataset.get("NumberOfFrames", 1) or 1)
        if frames * int(dataset.get("Rows", 1)) * int(dataset.get("Columns", 1)) > MOST_VOXELS:
            raise BadImage(f"{name} states more voxels than an image of a head has", remedy="fetch it again")
        pixels, rescaled = _frames(path, dataset, name)
    except BadImage:
        raise
    except Exception:  # whatever a damaged file makes a decoder raise
        raise BadImage(f"the pixels of an image of {name} cannot be read", remedy="fetch it again") from None
    return _Decoded(dataset, pixels if pixels.ndim == 3 else pixels[None], rescaled)


def _syntax_of_bare(dataset: Dataset) -> str:
    """The transfer syntax of a file that was stored without its meta header."""
    implicit, little = dataset.original_encoding
    uid = import_package("pydicom.uid")
    if not little:
        return str(uid.ExplicitVRBigEndian)
    return str(uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian)


def _frames(path: Path, dataset: Dataset, name: str) -> tuple[np.ndarray, bool]:
    """The frames, and whether they are rescaled. ITK decodes what pydicom has no decoder for, JPEG without loss above all."""
    try:
        return np.asarray(dataset.pixel_array), False
    except (NotImplementedError, RuntimeError):
        syntax = dataset.file_meta.TransferSyntaxUID
        if not syntax.is_compressed:
            raise
    if int(dataset.get("NumberOfFrames", 1) or 1) == 1:
        try:
            with quiet_itk():
                return sitk.GetArrayFromImage(sitk.ReadImage(str(path), imageIO="GDCMImageIO")).astype(np.float32), True
        except RuntimeError:
            pass
    raise BadImage(
        f"{name} is compressed in a way that cannot be read here ({syntax.name})",
        remedy="install pylibjpeg with its plugins, or export the series uncompressed",
    )


def _rescaling(dataset: Any, frame: int) -> tuple[float, float]:
    """Slope and intercept from stored to shown values."""
    places = [dataset]
    for name, item in (("PerFrameFunctionalGroupsSequence", frame), ("SharedFunctionalGroupsSequence", 0)):
        groups = dataset.get(name)
        transformation = groups[item].get("PixelValueTransformationSequence") if groups else None
        places += [transformation[0]] if transformation else []
    for place in places:
        slope, intercept = number(place, "RescaleSlope"), number(place, "RescaleIntercept")
        if slope is not None or intercept is not None:
            return 1.0 if slope is None else slope, intercept or 0.0
    return 1.0, 0.0
