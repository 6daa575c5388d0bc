"""The change as images: signed and soft, and which group is where, on each visit's own voxels and in the space between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.change.comparison import Comparison
from MSSoftSegLib.change.faint import SPREAD_DIFFERENCE
from MSSoftSegLib.change.membership import LEAST_FRACTION, soft_lesions
from MSSoftSegLib.change.midpoint import Side
from MSSoftSegLib.change.visit import Visit
from MSSoftSegLib.exam.geometry import Grid, image_like, resample, voxels
from MSSoftSegLib.exam.linear import move_points


@dataclass(frozen=True)
class ChangeMaps:
    """On one grid. change: float32, −1 (certainly lesion lost) to 1 (certainly lesion gained). labels: uint16 group ids."""

    change: sitk.Image
    labels: sitk.Image


def midpoint_maps(comparison: Comparison) -> ChangeMaps:
    """In the space between: difference of the lesion probabilities times P(change) of the group, 0 outside groups."""
    grid, owner = comparison.midpoint.grid, comparison.owner
    certainty = np.zeros(1 + max((row.group.id for row in comparison.changes), default=0), np.float32)
    for row in comparison.changes:
        certainty[row.group.id] = row.decision.probability or 0.0
    difference = comparison.midpoint.after.probability - comparison.midpoint.before.probability
    change = np.where(comparison.midpoint.compared, difference, 0.0) * certainty[owner]
    lesion = np.maximum(comparison.midpoint.before.probability, comparison.midpoint.after.probability)
    inside = lesion >= min(comparison.before.threshold, comparison.after.threshold)
    faint = [row.group.id for row in comparison.changes if row.group.is_faint]
    inside |= np.isin(owner, faint) & (np.abs(difference) >= SPREAD_DIFFERENCE)
    return ChangeMaps(
        grid.image(np.clip(change, -1, 1).astype(np.float32)),
        grid.image(np.where(inside, owner, 0).astype(np.uint16)),
    )


def native_maps(comparison: Comparison, between: ChangeMaps) -> tuple[ChangeMaps, ChangeMaps]:
    """On the native grids of the earlier and the later visit; labels are the visit's own lesion instances, renumbered.

    A faint focus, which no lesion mask holds, is labeled at the visit that shows it, where no lesion of the mask lies.
    """
    sides = (comparison.midpoint.before, comparison.midpoint.after)
    numbers = [
        {number: row.group.id for row in comparison.changes for number in (row.group.before, row.group.after)[place]}
        for place in range(2)
    ]
    faint = [
        [row.group.id for row in comparison.changes if row.group.is_faint and row.evidence.sign == sign]
        for sign in (-1, 1)
    ]
    first, second = (
        _on_native(visit, side, between, number, own)
        for visit, side, number, own in zip((comparison.before, comparison.after), sides, numbers, faint, strict=True)
    )
    return first, second


def subtraction(comparison: Comparison) -> sitk.Image:
    """The later minus the earlier FLAIR in SDs of normal tissue, float32, in the space between; 0 outside the brain."""
    return comparison.midpoint.grid.image(comparison.midpoint.matched.z)


def _on_native(
    visit: Visit, side: Side, between: ChangeMaps, group_of: dict[int, int], faint: Sequence[int]
) -> ChangeMaps:
    grid = Grid.of(visit.native_instances)
    back = side.native_from_midpoint.GetInverse()
    instances = voxels(visit.native_instances)
    table = np.zeros(int(instances.max(initial=0)) + 1, np.uint16)
    for number, group in group_of.items():
        table[number] = group
    labels = table[instances]
    _draw_faint(labels, instances == 0, between.labels, faint, back, grid)
    return ChangeMaps(resample(between.change, grid, source_from_grid=back), image_like(visit.native_instances, labels))


def _draw_faint(
    labels: np.ndarray,
    is_free: np.ndarray,
    between: sitk.Image,
    faint: Sequence[int],
    midpoint_from_native: sitk.Transform,
    grid: Grid,
) -> None:
    """Write each faint focus into the labels (z, y, x), as far as no lesion of the mask lies there."""
    own = np.where(np.isin(voxels(between), faint), voxels(between), 0)
    for focus in soft_lesions(image_like(between, own), midpoint_from_native, grid):
        most = float(focus.fraction.max(initial=0.0))
        if most >= LEAST_FRACTION:
            # Between thick slices no voxel may be filled by half: then those that hold most of it stand for it.
            inside = focus.fraction >= min(0.5, most)
            labels[focus.window][inside & is_free[focus.window]] = focus.number
            continue
        # Or none at all: the voxel that its middle lies in.
        middle = np.argwhere(own == focus.number).mean(axis=0)[::-1]
        point = midpoint_from_native.GetInverse().TransformPoint(
            between.TransformContinuousIndexToPhysicalPoint([float(axis) for axis in middle])
        )
        index = np.rint(move_points(np.array([point]), np.linalg.inv(grid.lps_from_voxel()))[0]).astype(int)
        voxel = tuple(index[::-1].tolist())
        if np.all((index >= 0) & (index < grid.size)) and is_free[voxel]:
            labels[voxel] = focus.number
