"""Volumes between Slicer and files. Slicer's geometry is a matrix from voxel (i, j, k) to RAS mm; ITK's points are LPS.

Converted here and nowhere else in the module.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
# Cosines of axes that are at right angles up to single-precision rounding.
RIGHT_ANGLE_TOLERANCE = 1e-4


def write_volume(array_kji: np.ndarray, ras_from_ijk: np.ndarray, path: Path) -> None:
    """Write a volume, array (k, j, i) as ``slicer.util.arrayFromVolume`` gives it; ras_from_ijk: 4×4.

    ValueError where the file format could not hold the geometry: sheared axes, more than three dimensions.
    Give the path the ending ``.nii``: compressing takes seconds during which the panel would stand still.
    """
    import SimpleITK as sitk

    if array_kji.ndim != 3:
        raise ValueError(f"a volume of {array_kji.ndim} dimensions is not one image")
    lps_from_ijk = RAS_FROM_LPS @ np.asarray(ras_from_ijk, np.float64)
    spacing_mm = np.linalg.norm(lps_from_ijk[:3, :3], axis=0)
    if not (np.isfinite(lps_from_ijk).all() and spacing_mm.all()):
        raise ValueError("the volume's geometry is not valid")
    direction = lps_from_ijk[:3, :3] / spacing_mm
    if np.abs(direction.T @ direction - np.eye(3)).max() > RIGHT_ANGLE_TOLERANCE:
        raise ValueError("the volume's axes are not at right angles; resample it first")
    array = array_kji.astype(np.uint8) if array_kji.dtype == bool else array_kji
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    image.SetSpacing(spacing_mm.tolist())
    image.SetOrigin(lps_from_ijk[:3, 3].tolist())
    image.SetDirection(direction.ravel().tolist())
    sitk.WriteImage(image, str(path), useCompression=path.suffix == ".gz")


def read_volume(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The array (k, j, i) of an image file and its 4×4 matrix from voxel (i, j, k) to RAS mm."""
    import SimpleITK as sitk

    image = sitk.ReadImage(str(path))
    return sitk.GetArrayFromImage(image), ras_from_ijk_of(image)


def ras_from_ijk_of(image: object) -> np.ndarray:
    """The 4×4 matrix from voxel (i, j, k) to RAS mm of a SimpleITK image."""
    from MSSoftSegLib.exam.geometry import Grid

    return RAS_FROM_LPS @ Grid.of(image).lps_from_voxel()


def grid_of(shape_kji: tuple[int, int, int], ras_from_ijk: np.ndarray) -> object:
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
