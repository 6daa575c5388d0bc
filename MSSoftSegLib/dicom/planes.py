"""From positions and orientations of single planes to one grid; a stack that is not one regular block is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.placement import (
    PLACEMENT_TOLERANCE_MM,
    check_axes,
    check_solid,
    check_spacing,
    nearest_orthonormal,
)

if TYPE_CHECKING:
    from pydicom import Dataset

SERIES = "the source series"
FETCH_AGAIN = "fetch the whole series again from the archive"
# Planes nearer to each other than this are at one place.
SAME_PLACE_MM = 0.01


@dataclass(frozen=True)
class FramePlane:
    """One image plane. file, frame: where its pixels are, from 0. position, row, column: LPS, mm and unit vectors.

    row: direction in which the column index grows. spacing_mm: between columns (along row), between rows (along column).
    """

    file: int
    frame: int
    position_mm: np.ndarray
    row: np.ndarray
    column: np.ndarray
    spacing_mm: tuple[float, float]
    size: tuple[int, int]
    frame_of_reference: str


@dataclass(frozen=True)
class Stack:
    """Planes in the order of their positions along the normal, as one grid (x = along a row, y = along a column)."""

    grid: Grid
    planes: tuple[FramePlane, ...]


def read_planes(headers: tuple[Dataset, ...]) -> tuple[FramePlane, ...]:
    """The planes of single-frame and multi-frame MR objects; BadImage where one says not where it is."""
    planes = []
    for number, header in enumerate(headers):
        frames = header.get("PerFrameFunctionalGroupsSequence")
        if frames is None:
            planes.append(_plane(header, number, 0, header, header, header))
            continue
        shared = (header.get("SharedFunctionalGroupsSequence") or [None])[0]
        for frame, item in enumerate(frames):
            groups = (
                find_functional_group(item, shared, name)
                for name in ("PlanePosition", "PlaneOrientation", "PixelMeasures")
            )
            planes.append(_plane(header, number, frame, *groups))
    return tuple(planes)


def find_functional_group(item: Dataset, shared: Dataset | None, name: str) -> Any:
    """A functional group of a frame, or the one that all frames share."""
    for place in (item, shared):
        sequence = None if place is None else place.get(f"{name}Sequence")
        if sequence:
            return sequence[0]
    return {}


def _plane(header: Dataset, file: int, frame: int, position: Any, orientation: Any, measures: Any) -> FramePlane:
    try:
        origin = np.array([float(value) for value in position.get("ImagePositionPatient")])
        axes = np.array([float(value) for value in orientation.get("ImageOrientationPatient")])
        between_rows, between_columns = (float(value) for value in measures.get("PixelSpacing"))
        size = int(header.Columns), int(header.Rows)
        well_formed = origin.shape == (3,) and axes.shape == (6,) and np.isfinite([*origin, *axes]).all()
    except (TypeError, ValueError, AttributeError):
        well_formed = False
    if not well_formed:
        raise BadImage(
            f"an image of {SERIES} does not say where it lies in the patient (position, orientation, pixel spacing)",
            remedy="export the original series from the archive",
        )
    place = str(header.get("FrameOfReferenceUID") or "")
    return FramePlane(file, frame, origin, axes[:3], axes[3:], (between_columns, between_rows), size, place)


def stack_planes(planes: tuple[FramePlane, ...], name: str = SERIES) -> Stack:
    """The planes as one regular block; BadImage says what is missing, twice there or askew. name: of the series, for that."""
    first = planes[0]
    if len(planes) < 2:
        raise BadImage(f"{name} is a single plane", remedy="name the folder with all planes of the series")
    for plane in planes:
        _check_alike(first, plane, name)
    normal = np.cross(first.row, first.column)
    ordered = tuple(sorted(planes, key=lambda plane: float(plane.position_mm @ normal)))
    gap_mm = _checked_gap_mm(np.array([plane.position_mm @ normal for plane in ordered]), name)
    origin, last = ordered[0].position_mm, ordered[-1].position_mm
    drift_mm = last - origin - normal * ((last - origin) @ normal)
    if np.linalg.norm(drift_mm) > PLACEMENT_TOLERANCE_MM:
        raise BadImage(
            f"the planes of {name} are shifted against each other (sheared by {np.linalg.norm(drift_mm):.1f} mm)",
            remedy="use a series without gantry tilt",
        )
    return Stack(_grid(first, origin, normal, gap_mm, len(ordered), name), ordered)


def _grid(first: FramePlane, origin: np.ndarray, normal: np.ndarray, gap_mm: float, count: int, name: str) -> Grid:
    direction = np.stack([first.row, first.column, normal], axis=1)
    spacing_mm = (*first.spacing_mm, gap_mm)
    size = (*first.size, count)
    check_solid(name, size)
    check_spacing(name, np.array(spacing_mm))
    check_axes(name, direction, np.array(spacing_mm), size)
    x, y, z = (float(value) for value in origin)
    return Grid(size, spacing_mm, (x, y, z), tuple(nearest_orthonormal(direction).ravel().tolist()))


def _check_alike(first: FramePlane, plane: FramePlane, name: str) -> None:
    if plane.frame_of_reference != first.frame_of_reference:
        raise BadImage(f"the planes of {name} lie in different frames of reference", remedy=FETCH_AGAIN)
    if plane.size != first.size or not np.allclose(plane.spacing_mm, first.spacing_mm, rtol=1e-4, atol=0):
        raise BadImage(f"the planes of {name} differ in size or pixel spacing", remedy="name one series only")
    extent_mm = max(first.size) * max(first.spacing_mm)
    turned = max(np.abs(plane.row - first.row).max(), np.abs(plane.column - first.column).max())
    if turned * extent_mm > PLACEMENT_TOLERANCE_MM:
        raise BadImage(f"the planes of {name} are not parallel, as in a localizer", remedy="name the FLAIR series")


def _checked_gap_mm(depths_mm: np.ndarray, name: str) -> float:
    """The distance between neighbors along the normal."""
    gaps_mm = np.diff(depths_mm)
    if gaps_mm.min() < SAME_PLACE_MM:
        twice = int(np.count_nonzero(gaps_mm < SAME_PLACE_MM))
        raise BadImage(
            f"{name} has several images at one place ({twice} too many): echoes, repetitions or a second copy",
            remedy="name a folder with one image a place",
        )
    usual_mm = float(np.median(gaps_mm))
    missing = np.rint(gaps_mm / usual_mm).astype(int) - 1
    if missing.max() > 0:
        after = int(np.argmax(missing > 0)) + 1
        count = int(missing.sum())
        what = f"a plane is missing after plane {after}"
        if count > 1:
            what = f"{count} planes are missing, the first after plane {after}"
        raise BadImage(f"{name} is incomplete: {what}", remedy=FETCH_AGAIN)
    gap_mm = float(depths_mm[-1] - depths_mm[0]) / (len(depths_mm) - 1)
    off_mm = float(np.abs(depths_mm - depths_mm[0] - gap_mm * np.arange(len(depths_mm))).max())
    if off_mm > PLACEMENT_TOLERANCE_MM:
        raise BadImage(f"the planes of {name} lie at unequal distances ({off_mm:.2f} mm off)", remedy=FETCH_AGAIN)
    return gap_mm
