"""What comes in: rater masks and FLAIR as images, checked before anything is computed; errors name the image."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage, GridMismatch
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, voxels
from MSSoftSegLib.exam.label_doubts import describe_voxel_count
from MSSoftSegLib.exam.label_values import LESION, POSSIBLE_LESION


def check_label_map(mask: sitk.Image, name: str) -> np.ndarray:
    """Labels as uint8 (z, y, x): 0, 1 = lesion, 2 = possible lesion; BadImage for anything else."""
    _check_three_dimensional(mask, name)
    array = voxels(mask)
    wrong = ~np.isin(array, (0, LESION, POSSIBLE_LESION))
    if wrong.any():
        value = array[wrong][0]
        raise BadImage(
            f"{name} is no rater mask: it holds the value {value:.4g} "
            f"({describe_voxel_count(int(np.count_nonzero(array == value)))})",
            remedy="give 0 where there is no lesion, 1 for lesion, 2 for possible lesion",
        )
    return array.astype(np.uint8)


def check_gray_values(image: sitk.Image, name: str) -> np.ndarray:
    """Grey values, (z, y, x), of the image's own type; BadImage where one is not finite."""
    _check_three_dimensional(image, name)
    array = voxels(image)
    if not np.isfinite(array).all():
        raise BadImage(
            f"{name} holds voxels that are not finite numbers",
            remedy="export it again, or replace these voxels knowingly",
        )
    return array


def check_grid(image: sitk.Image, name: str, grid: Grid, grid_name: str) -> None:
    """GridMismatch, with both grids in words, where the image lies on another grid."""
    _check_three_dimensional(image, name)
    own = Grid.of(image)
    if have_same_grid(own, grid):
        return
    message = f"{name} is {_stated(own)}, {grid_name} {_stated(grid)}"
    if own.size == grid.size:
        message += "; their origins or axes differ" if own.spacing_mm == grid.spacing_mm else ""
    raise GridMismatch(message, remedy="draw all masks on this FLAIR, or resample them onto it with nearest neighbor")


def _check_three_dimensional(image: sitk.Image, name: str) -> None:
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise BadImage(f"{name} is not a three-dimensional grey-value image", remedy="give a volume, one value a voxel")


def _stated(grid: Grid) -> str:
    size = "×".join(str(count) for count in grid.size)
    return f"{size} voxels of {'×'.join(f'{value:.4g}' for value in grid.spacing_mm)} mm"
