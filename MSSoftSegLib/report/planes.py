"""Anatomical planes as radiologists see them: the patient's left on the screen's right, front and top up.

Everything is shown on the image's own voxels, brought to one axis order; nothing is interpolated onto another grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import GridMismatch
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, orient_canonically, voxels
from MSSoftSegLib.lesion.segmentation import Segmentation

# Gray window: the darkest and brightest per cent of head voxels (fat, vessels, noise) may saturate.
WINDOW_PERCENTILES = (1.0, 99.9)
# Below this probability nothing is painted over the image.
LOWEST_SHOWN_PROBABILITY = 0.05
# Voxels of the head are brighter than this part of white; noise around it is darker.
HEAD_BRIGHTNESS = 0.15
# A slice belongs to the head where more than this part of it is of the head.
LEAST_HEAD_FRACTION = 0.01


class Plane(StrEnum):
    """A plane through the patient; for an oblique image the nearest one along its voxels."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


# Array axis (of z, y, x) that a plane cuts across.
NORMAL_AXIS = {Plane.AXIAL: 0, Plane.CORONAL: 1, Plane.SAGITTAL: 2}


@dataclass(frozen=True)
class Borders:
    """Letters at the four borders of a displayed plane."""

    top: str
    bottom: str
    left: str
    right: str


BORDERS = {
    Plane.AXIAL: Borders(top="A", bottom="P", left="R", right="L"),
    Plane.CORONAL: Borders(top="S", bottom="I", left="R", right="L"),
    Plane.SAGITTAL: Borders(top="S", bottom="I", left="A", right="P"),
}


@dataclass(frozen=True)
class DisplayVolumes:
    """One exam ready for display: arrays (z, y, x) on a grid whose axes run nearest to left, posterior, superior.

    gray: float32, any unit; instances: uint16; probability: float32, 0–1; entropy: float32 nats.
    window: gray values shown as black and white. head: first and past-the-last index along z, y, x of head and lesions.
    """

    grid: Grid
    gray: np.ndarray
    instances: np.ndarray
    probability: np.ndarray
    entropy: np.ndarray
    window: tuple[float, float]
    head: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, reference: sitk.Image, segmentation: Segmentation) -> DisplayVolumes:
        """The reference image and the maps that lie on its grid."""
        if not have_same_grid(reference, segmentation.mask):
            raise GridMismatch(
                f"the segmentation has {segmentation.mask.GetSize()} voxels on another grid than the reference image "
                f"({reference.GetSize()})",
                remedy="report on the image whose grid the segmentation was written on",
            )
        upright = orient_canonically(reference)
        gray = voxels(upright).astype(np.float32)
        instances = voxels(orient_canonically(segmentation.instances))
        window = gray_window(gray)
        return cls(
            grid=Grid.of(upright),
            gray=gray,
            instances=instances,
            probability=voxels(orient_canonically(segmentation.maps.probability)),
            entropy=voxels(orient_canonically(segmentation.maps.entropy)),
            window=window,
            head=head_box(gray, instances, window),
        )

    @property
    def tilt_deg(self) -> float:
        """Largest angle between a voxel axis and its nearest anatomical axis."""
        along = np.abs(np.reshape(self.grid.direction, (3, 3))).max(axis=0)
        return float(np.degrees(np.arccos(np.clip(along.min(), 0.0, 1.0))))


def gray_window(gray: np.ndarray) -> tuple[float, float]:
    """Values to show as black and white: percentiles of the non-zero voxels, always apart."""
    present = gray[gray != 0]
    if present.size == 0:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(present, WINDOW_PERCENTILES))
    return (low, high) if high > low else (low - 1.0, low + 1.0)


def head_box(gray: np.ndarray, instances: np.ndarray, window: tuple[float, float]) -> tuple[tuple[int, int], ...]:
    """First and past-the-last index along z, y, x of what is worth showing: the head and every lesion."""
    bright, lesion = gray > HEAD_BRIGHTNESS * window[1], instances > 0
    box = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        indices = np.flatnonzero((bright.mean(axis=others) > LEAST_HEAD_FRACTION) | lesion.any(axis=others))
        box.append((int(indices[0]), int(indices[-1]) + 1) if indices.size else (0, gray.shape[axis]))
    return tuple(box)


def screen_slice(array: np.ndarray, plane: Plane, index: int) -> np.ndarray:
    """A slice (row from the top, column from the left) of an array (z, y, x) in the order of `DisplayVolumes`."""
    if plane is Plane.AXIAL:
        return array[index]
    if plane is Plane.CORONAL:
        return array[::-1, index, :]
    return array[::-1, :, index]


def screen_spacing_mm(grid: Grid, plane: Plane) -> tuple[float, float]:
    """Height and width of a displayed voxel."""
    x_mm, y_mm, z_mm = grid.spacing_mm
    return {Plane.AXIAL: (y_mm, x_mm), Plane.CORONAL: (z_mm, x_mm), Plane.SAGITTAL: (z_mm, y_mm)}[plane]


def screen_position_mm(grid: Grid, plane: Plane, voxel_zyx: np.ndarray) -> tuple[float, float]:
    """Distance of a voxel's center from the top and from the left border of its displayed slice."""
    size_z = grid.size[2]
    z, y, x = (float(v) for v in voxel_zyx)
    row, column = {Plane.AXIAL: (y, x), Plane.CORONAL: (size_z - 1 - z, x), Plane.SAGITTAL: (size_z - 1 - z, y)}[plane]
    row_mm, column_mm = screen_spacing_mm(grid, plane)
    return (row + 0.5) * row_mm, (column + 0.5) * column_mm


def busiest_slice(volumes: DisplayVolumes, plane: Plane) -> int:
    """Index of the slice with most lesion; without lesions most probability; without that the middle of the head."""
    others = tuple(axis for axis in range(3) if axis != NORMAL_AXIS[plane])
    probability = volumes.probability
    for burden in (volumes.instances > 0, np.where(probability >= LOWEST_SHOWN_PROBABILITY, probability, 0)):
        along = burden.sum(axis=others, dtype=np.float64)
        most = np.flatnonzero(along == along.max())
        if along.max() > 0:
            return int(most[len(most) // 2])
    start, stop = volumes.head[NORMAL_AXIS[plane]]
    return (start + stop) // 2


def sharpest_plane(grid: Grid) -> Plane:
    """The plane with the finest voxels: axial unless the slices were acquired another way."""
    x_mm, y_mm, z_mm = grid.spacing_mm
    if max(grid.spacing_mm) < 1.5 * min(grid.spacing_mm) or z_mm == max(grid.spacing_mm):
        return Plane.AXIAL
    return Plane.CORONAL if y_mm > x_mm else Plane.SAGITTAL


def sort_planes(grid: Grid) -> tuple[Plane, ...]:
    """The plane of acquisition first: across it a two-dimensional image is a staircase; then the others as usual."""
    first = sharpest_plane(grid)
    return (first, *(plane for plane in Plane if plane is not first))


def name_slice_place(grid: Grid, plane: Plane, index: int) -> str:
    """Where the middle of a slice lies, by its RAS coordinate, as in ``axial, S 23 mm``."""
    voxel = (np.asarray(grid.size, dtype=float) - 1) / 2
    axis = 2 - NORMAL_AXIS[plane]
    voxel[axis] = index
    lps_mm = (grid.lps_from_voxel() @ np.append(voxel, 1.0))[:3]
    letter = ("LR", "PA", "SI")[axis][0 if lps_mm[axis] >= 0 else 1]
    return f"{plane}, {letter} {abs(lps_mm[axis]):.0f} mm"
