"""A brain of boxes, 1 mm voxels: everything about it can be worked out by hand."""

from __future__ import annotations

import numpy as np

from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.region.regions import REGIONS, Region

GRID = Grid((60, 40, 30), (1.0, 1.0, 1.0), (-20.0, 5.0, 7.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))


def box_brain() -> RegionMap:
    """Along x: lateral ventricle 0–9, white matter 10–49, cortex 50–59; z < 10 is infratentorial, y ≥ 30 deep gray matter."""
    label = np.full(GRID.size[::-1], Region.CEREBRAL_WHITE)
    label[:, :, :10], label[:, :, 50:] = Region.LATERAL_VENTRICLE, Region.CORTEX
    label[:, 30:, 10:50] = Region.DEEP_GRAY
    label[:10] = Region.INFRATENTORIAL
    return RegionMap({r: GRID.image((label == r).astype(np.float32)) for r in REGIONS}, "boxes")


def lesion(x: tuple[int, int], y: tuple[int, int] = (10, 15), z: tuple[int, int] = (15, 20)) -> np.ndarray:
    """A box of lesion, uint16 (z, y, x), by first and last voxel but one."""
    array = np.zeros(GRID.size[::-1], np.uint16)
    array[z[0] : z[1], y[0] : y[1], x[0] : x[1]] = 1
    return array
