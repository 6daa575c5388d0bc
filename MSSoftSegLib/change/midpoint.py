"""Both visits in the space between them: images matched to each other, maps brought there softly, what both cover.

Everything here is symmetric in the two visits: swapped, the difference changes its sign and nothing else changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.change.halfway import HalfWay
from MSSoftSegLib.change.intensity import Matched, match_intensities
from MSSoftSegLib.change.resolution import common_blur_mm
from MSSoftSegLib.change.visit import Visit
from MSSoftSegLib.exam.geometry import Grid, isotropic_grid_around, resample, voxels
from MSSoftSegLib.exam.linear import chain_transforms
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.pipeline import field_of_view

SPACING_MM = 1.0
MARGIN_MM = 3.0
HALF = 0.5


@dataclass(frozen=True)
class Side:
    """One visit in the space between, arrays (z, y, x) float32.

    flair: matched, 0 = the median of normal-appearing brain, 1 = its spread. probability: 0–1. brain: 0–1, soft.
    seen: bool, where its FLAIR was scanned. working_from_midpoint, native_from_midpoint: points, LPS mm.
    """

    flair: np.ndarray
    probability: np.ndarray
    brain: np.ndarray
    seen: np.ndarray
    working_from_midpoint: sitk.Transform
    native_from_midpoint: sitk.Transform


@dataclass(frozen=True)
class Midpoint:
    """Both visits on one isotropic grid midway between them.

    compared: bool, brain of both visits that both scanned; matched: how intensities were matched, and the difference.
    """

    grid: Grid
    before: Side
    after: Side
    compared: np.ndarray
    matched: Matched
    half_way: HalfWay

    @property
    def voxel_mm3(self) -> float:
        """Volume of a voxel."""
        return self.grid.voxel_volume_mm3


def bring_to_midpoint(before: Visit, after: Visit, half_way: HalfWay) -> Midpoint:
    """Resample both visits once, from their working grids, and match them."""
    ways = (half_way.before_from_midpoint, half_way.after_from_midpoint)
    grid = _grid(before, after, half_way)
    visits = tuple(zip((before, after), ways, strict=True))
    flairs = [
        voxels(resample(visit.working.images[Modality.FLAIR], grid, source_from_grid=way)) for visit, way in visits
    ]
    maps = [voxels(resample(visit.probability, grid, source_from_grid=way)) for visit, way in visits]
    brains = [_soft(visit.working.brain_mask, grid, way) for visit, way in visits]
    seen = [_seen(visit, grid, way) for visit, way in visits]
    compared = (np.minimum(*brains) >= HALF) & seen[0] & seen[1]
    blur = common_blur_mm(before, after, half_way)
    smooth = [_blurred(flair, brain, sigma_mm) for flair, brain, sigma_mm in zip(flairs, brains, blur, strict=True)]
    matched = match_intensities(smooth[0], smooth[1], compared, np.maximum(*maps), half_way.disagreement_mm)
    sides = [
        Side(
            flair=scale.applied(flair),
            probability=probability,
            brain=brain,
            seen=covered,
            working_from_midpoint=way,
            native_from_midpoint=chain_transforms(visit.native_from_working, way),
        )
        for (visit, way), flair, probability, brain, covered, scale in zip(
            visits, flairs, maps, brains, seen, matched.scales, strict=True
        )
    ]
    return Midpoint(grid, sides[0], sides[1], compared, matched, half_way)


def _grid(before: Visit, after: Visit, half_way: HalfWay) -> Grid:
    """The box around both brains, along the patient's axes; no visit's own lattice is taken."""
    corners = [
        _corners_in_midpoint(visit, way)
        for visit, way in ((before, half_way.before_from_midpoint), (after, half_way.after_from_midpoint))
    ]
    points = np.concatenate(corners)
    low = np.floor(points.min(axis=0) - MARGIN_MM)
    size = np.ceil((points.max(axis=0) + MARGIN_MM - low) / SPACING_MM).astype(int) + 1
    everything = Grid(
        (int(size[0]), int(size[1]), int(size[2])),
        (SPACING_MM,) * 3,
        (float(low[0]), float(low[1]), float(low[2])),
        (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    )
    brains = [
        _soft(visit.working.brain_mask, everything, way)
        for visit, way in ((before, half_way.before_from_midpoint), (after, half_way.after_from_midpoint))
    ]
    either = everything.image((np.maximum(*brains) >= HALF).astype(np.uint8))
    return isotropic_grid_around(either, spacing_mm=SPACING_MM, margin_mm=MARGIN_MM, multiple=1)


def _corners_in_midpoint(visit: Visit, way: sitk.AffineTransform) -> np.ndarray:
    """Corners (8, 3) of the working grid in the space between, LPS mm."""
    size = visit.working.brain_mask.GetSize()
    back = way.GetInverse()
    mask = visit.working.brain_mask
    ends = np.array(np.meshgrid(*[(0, n - 1) for n in size], indexing="ij")).reshape(3, -1).T
    return np.array(
        [back.TransformPoint(mask.TransformIndexToPhysicalPoint([int(v) for v in corner])) for corner in ends]
    )


def _soft(mask: sitk.Image, grid: Grid, way: sitk.Transform) -> np.ndarray:
    return voxels(resample(sitk.Cast(mask, sitk.sitkFloat32), grid, source_from_grid=way))


def _seen(visit: Visit, grid: Grid, way: sitk.Transform) -> np.ndarray:
    """Where the visit's FLAIR was scanned, bool."""
    native = visit.working.native_grids[Modality.FLAIR]
    to_native = chain_transforms(visit.working.native_from_working[Modality.FLAIR], way)
    return voxels(field_of_view(native, grid, to_native)) > 0


def _blurred(image: np.ndarray, brain: np.ndarray, sigma_mm: np.ndarray) -> np.ndarray:
    """The image blurred along z, y, x inside the brain: what lies outside lends nothing to it."""
    sigma = sigma_mm[::-1] / SPACING_MM
    weight = (brain >= HALF).astype(np.float32)
    total = ndimage.gaussian_filter(image * weight, sigma)
    share = ndimage.gaussian_filter(weight, sigma)
    return np.where(share > 0.05, total / np.maximum(share, 0.05), 0.0).astype(np.float32)
