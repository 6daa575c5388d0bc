"""One head at two visits: where the brain of one lies in the other, found in both directions."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.change.halfway import HalfWay, half_way
from MSSoftSegLib.change.visit import Visit
from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.linear import matrix_of
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.alignment import align_rigidly

MOST_POINTS = 2000


def register_visits(before: Visit, after: Visit) -> HalfWay:
    """The half-way space of two visits, from their FLAIR brains; swapped visits give the same space.

    Brains, not heads: neck, jaw and skin lie differently each time. Both directions are registered and averaged, so that
    neither visit is the one that is moved.
    """
    one, other = before.working.images[Modality.FLAIR], after.working.images[Modality.FLAIR]
    forth = align_rigidly(moving=other, fixed=one).moving_from_fixed
    back = align_rigidly(moving=one, fixed=other).moving_from_fixed
    return half_way(matrix_of(forth), matrix_of(back), brain_points_mm(before.working.brain_mask))


def brain_points_mm(mask: sitk.Image) -> np.ndarray:
    """Points (n, 3) in LPS mm spread over a mask's voxels."""
    index = np.argwhere(voxels(mask) != 0)[:, ::-1]
    index = index[:: max(1, len(index) // MOST_POINTS)]
    matrix = Grid.of(mask).lps_from_voxel()
    points: np.ndarray = index @ matrix[:3, :3].T + matrix[:3, 3]
    return points
