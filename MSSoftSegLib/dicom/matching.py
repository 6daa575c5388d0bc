"""Is this series the one that the case's FLAIR came from? The wrong one would put lesions under another person's name.

Two questions, both have to be answered with yes: do the grids lie alike in the scanner, and are the voxels the same? Heads look
alike to a plain correlation: 0.8 and more between public exams of different people laid on one grid. Small neighborhoods do not:
their median correlation was at most 0.11 there, 0.37 with another contrast of the same head and 0.78 one voxel off, but at least
0.85 for one image before and after bias correction, smoothing by 1 mm or rounding to 8 bits (Benchmarks/dicom_sources.py).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import minimum_filter, uniform_filter

from MSSoftSegLib.errors import GridMismatch
from MSSoftSegLib.exam.geometry import Grid, resample, voxels
from MSSoftSegLib.exam.placement import largest_corner_distance_mm

LOGGER = logging.getLogger(__name__)
NEIGHBORHOOD_VOXELS = 5
LEAST_AGREEMENT = 0.82
# Where the voxels are not the same ones, half a voxel's displacement must show too.
LEAST_AGREEMENT_RESAMPLED = 0.95
# A lattice that lies within a tenth of a voxel, and a tenth of a millimeter, is the same one rounded by a converter.
LATTICE_TOLERANCE_VOXELS, LATTICE_TOLERANCE_MM = 0.1, 0.1
# Shares of the mean: what is brighter is head, what is darker is air around it.
HEAD, AIR = 0.5, 0.1
THIRDS, SMALLEST_PART = 3, 100
# Variances below this share of the image's own are rounding, not structure.
FLAT = 1e-6
ANOTHER_SERIES = "name the series that this FLAIR was made from"


@dataclass(frozen=True)
class Lattice:
    """Where the voxels of one grid are in another with the same voxels, permuted, flipped and shifted by whole voxels.

    axes: of the source's array (z, y, x) axes, which of the case's each is; flipped: whether it runs the other way.
    first: index (z, y, x) of the case's lowest corner in the source's array.
    """

    axes: tuple[int, int, int]
    flipped: tuple[int, ...]
    first: tuple[int, int, int]

    def placed(self, array: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
        """The case's array (z, y, x) in one of the source's size; voxels beyond the source are dropped, new ones are 0."""
        turned = np.flip(np.transpose(array, self.axes), self.flipped)
        out = np.zeros(size, array.dtype)
        inner, outer = self.overlap(turned.shape, size)
        out[outer] = turned[inner]
        return out

    def overlap(self, turned: tuple[int, ...], size: tuple[int, ...]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """What lies in both: in the turned array of the case, and in the source's."""
        inner, outer = [], []
        for low, count, limit in zip(self.first, turned, size, strict=True):
            begin, end = max(0, low), max(0, min(limit, low + count))
            inner.append(slice(begin - low, max(begin, end) - low))
            outer.append(slice(begin, max(begin, end)))
        return tuple(inner), tuple(outer)


def find_lattice(case: Grid, source: Grid) -> Lattice | None:
    """How the case's voxels are voxels of the source, None where they are not."""
    case_mm, source_mm = case.lps_from_voxel(), source.lps_from_voxel()
    source_from_case = np.linalg.inv(source_mm) @ case_mm
    whole = np.rint(source_from_case)
    linear = whole[:3, :3]
    if not (np.abs(linear).sum(axis=0) == 1).all() or not (np.abs(linear).sum(axis=1) == 1).all():
        return None
    off_mm = largest_corner_distance_mm(source_mm @ whole, case_mm, case.size)
    if off_mm > min(LATTICE_TOLERANCE_MM, LATTICE_TOLERANCE_VOXELS * min(case.spacing_mm)):
        return None
    axis_of = np.abs(linear).argmax(axis=1)
    corners = [whole[:3, :3] @ np.array(corner) + whole[:3, 3] for corner in ((0, 0, 0), np.subtract(case.size, 1))]
    x, y, z = np.minimum(*corners).astype(int)
    ax, ay, az = (2 - int(axis) for axis in axis_of)
    flipped = tuple(2 - row for row in range(3) if linear[row, axis_of[row]] < 0)
    return Lattice((az, ay, ax), flipped, (int(z), int(y), int(x)))


def agreement(image: np.ndarray, other: np.ndarray) -> float:
    """Median correlation, −1 to 1, of neighborhoods inside the head; two arrays (z, y, x) of one shape."""
    correlation = _correlations(image.astype(np.float32), other.astype(np.float32))
    found = correlation[np.isfinite(correlation)]
    return float(np.median(found)) if found.size else 0.0


def least_agreement(image: np.ndarray, other: np.ndarray) -> float:
    """The same of the third, along any axis, where it is least: what is stretched or turned fits in its middle only."""
    correlation = _correlations(image.astype(np.float32), other.astype(np.float32))
    parts = [part for axis in range(3) for part in np.array_split(correlation, THIRDS, axis)]
    enough = np.count_nonzero(np.isfinite(correlation)) / SMALLEST_PART
    found = [float(np.nanmedian(part)) for part in parts if np.count_nonzero(np.isfinite(part)) > enough]
    return min(found, default=0.0)


def _correlations(image: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of each voxel's neighborhood; NaN beyond the head, and where all of the image's neighborhood is of one value."""
    level = image[image != 0].mean() if image.any() else 0.0
    # The head's rim is much the same in everybody.
    inside = (image > HEAD * level) & (minimum_filter(image, NEIGHBORHOOD_VOXELS) > AIR * level)
    image_mean, other_mean = (uniform_filter(each, NEIGHBORHOOD_VOXELS) for each in (image, other))
    image_variance = uniform_filter(image * image, NEIGHBORHOOD_VOXELS) - image_mean**2
    other_variance = uniform_filter(other * other, NEIGHBORHOOD_VOXELS) - other_mean**2
    covariance = uniform_filter(image * other, NEIGHBORHOOD_VOXELS) - image_mean * other_mean
    structured = inside & (image_variance > FLAT * image.var())
    flat = other_variance <= FLAT * other.var()
    scale = np.sqrt(np.where(flat | ~structured, 1, image_variance * other_variance))
    return np.where(structured, np.where(flat, 0, covariance / scale), np.nan)


def match(flair: sitk.Image, source: sitk.Image) -> Lattice | None:
    """How the case's FLAIR lies in the source series; None where it is the same image, resampled in the same space.

    GridMismatch where it is not the same image.
    """
    lattice = find_lattice(Grid.of(flair), Grid.of(source))
    if lattice is None:
        found = least_agreement(voxels(flair), voxels(resample(source, Grid.of(flair))))
        if found < LEAST_AGREEMENT_RESAMPLED:
            raise GridMismatch(
                f"the source series does not lie where the case's FLAIR lies: it is {_stated(Grid.of(source))}, FLAIR "
                f"{_stated(Grid.of(flair))}, and its voxels there are not FLAIR's (agreement {found:.2f})",
                remedy=ANOTHER_SERIES,
            )
        LOGGER.warning("the case's FLAIR was resampled: its labels are brought to the source series' own voxels")
        return None
    source_array, flair_array = voxels(source), voxels(flair)
    turned = np.flip(np.transpose(flair_array, lattice.axes), lattice.flipped)
    inner, outer = lattice.overlap(turned.shape, source_array.shape)
    _check_covered(turned.shape, inner)
    found = agreement(turned[inner], source_array[outer])
    if found < LEAST_AGREEMENT:
        raise GridMismatch(
            f"the voxels of the source series are not those of the case's FLAIR (agreement {found:.2f}, at least "
            f"{LEAST_AGREEMENT} for one image): it is another contrast or another person's",
            remedy=ANOTHER_SERIES,
        )
    return lattice


def _check_covered(turned: tuple[int, ...], inner: tuple[slice, ...]) -> None:
    """Refuse a source that holds less than the case's FLAIR."""
    covered = [part.stop - part.start for part in inner]
    if list(turned) != covered:
        planes, rest = turned[0] - covered[0], [count - part for count, part in zip(turned, covered, strict=True)][1:]
        what = f"{planes} of its {turned[0]} planes are" if planes and not any(rest) else "a part of it is"
        raise GridMismatch(
            f"the source series is smaller than the case's FLAIR: {what} missing",
            remedy="fetch the whole series from the archive, or " + ANOTHER_SERIES,
        )


def _stated(grid: Grid) -> str:
    size = "×".join(str(count) for count in grid.size)
    return f"{size} voxels of {'×'.join(f'{value:.4g}' for value in grid.spacing_mm)} mm"
