"""Volumes between Slicer and files. Slicer's geometry is a matrix from voxel (i, j, k) to RAS mm; ITK's points are LPS.

Converted here and nowhere else in the module.
"""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np

# Here, so that it is loaded with the panel: while a run is prepared it would hold the event loop up.
import SimpleITK as sitk

RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
# Cosines of axes that are at right angles up to single-precision rounding.
RIGHT_ANGLE_TOLERANCE = 1e-4
# Types that Slicer knows and SimpleITK does not, by numpy's letter: what they are written as.
FILE_TYPES = {"?": np.uint8, "q": np.int64, "Q": np.uint64, "e": np.float32, "g": np.float64}


def write_volume(array_kji: np.ndarray, ras_from_ijk: np.ndarray, path: Path) -> None:
    """Write a volume, array (k, j, i) as ``slicer.util.arrayFromVolume`` gives it; ras_from_ijk: 4×4.

    ValueError where the file format could not hold the geometry or the numbers: sheared axes, more than three dimensions.
    OSError where it could not be written.
    Give the path the ending ``.nii``: compressing takes seconds during which the panel would stand still.
    """
    if array_kji.ndim != 3:
        raise ValueError(f"a volume of {array_kji.ndim} dimensions is not one image")
    lps_from_ijk = RAS_FROM_LPS @ np.asarray(ras_from_ijk, np.float64)
    spacing_mm = np.linalg.norm(lps_from_ijk[:3, :3], axis=0)
    if not (np.isfinite(lps_from_ijk).all() and spacing_mm.all()):
        raise ValueError("the volume's geometry is not valid")
    direction = lps_from_ijk[:3, :3] / spacing_mm
    if np.abs(direction.T @ direction - np.eye(3)).max() > RIGHT_ANGLE_TOLERANCE:
        raise ValueError("the volume's axes are not at right angles; resample it first")
    if array_kji.size == 0:
        raise ValueError("the volume holds no voxels")
    wanted = FILE_TYPES.get(array_kji.dtype.char)
    array = array_kji.astype(wanted) if wanted is not None else array_kji
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    image.SetSpacing(spacing_mm.tolist())
    image.SetOrigin(lps_from_ijk[:3, 3].tolist())
    image.SetDirection(direction.ravel().tolist())
    _write(image, path)


def _write(image: object, path: Path) -> None:
    """Write an image; OSError where that fails, which ITK itself either does not say or says without a cause."""
    # Opened here first, so that a folder that is missing or locked is the system's own error.
    path.touch()
    compressed = path.suffix == ".gz"
    try:
        sitk.WriteImage(image, str(path), useCompression=compressed)
    except RuntimeError as problem:
        raise OSError(errno.EIO, "it could not be written") from problem
    expected = image.GetNumberOfPixels() * image.GetSizeOfPixelComponent()  # type: ignore[attr-defined]
    if not compressed and path.stat().st_size < expected:
        raise OSError(errno.ENOSPC, "no space left on device")


def read_volume(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The array (k, j, i) of an image file and its 4×4 matrix from voxel (i, j, k) to RAS mm."""
    image = sitk.ReadImage(str(path))
    return sitk.GetArrayFromImage(image), read_ras_from_ijk(image)


def read_ras_from_ijk(image: object) -> np.ndarray:
    """The 4×4 matrix from voxel (i, j, k) to RAS mm of a SimpleITK image."""
    from MSSoftSegLib.exam.geometry import Grid

    return RAS_FROM_LPS @ Grid.of(image).lps_from_voxel()


def read_grid(shape_kji: tuple[int, int, int], ras_from_ijk: np.ndarray) -> object:
    """The library's ``Grid`` of a volume of this shape; the other way round of ``ras_from_ijk_of``."""
    from MSSoftSegLib.exam.geometry import Grid

    lps_from_ijk = RAS_FROM_LPS @ np.asarray(ras_from_ijk, np.float64)
    spacing_mm = np.linalg.norm(lps_from_ijk[:3, :3], axis=0)
    k, j, i = shape_kji
    return Grid(
        size=(i, j, k),
        spacing_mm=tuple(spacing_mm.tolist()),
        origin_mm=tuple(lps_from_ijk[:3, 3].tolist()),
        direction=tuple((lps_from_ijk[:3, :3] / spacing_mm).ravel().tolist()),
    )
