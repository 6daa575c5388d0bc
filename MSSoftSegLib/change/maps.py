"""The change as images: signed and soft, and which group is where, on each visit's own voxels and in the space between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.change.comparison import Comparison
from MSSoftSegLib.change.faint import SPREAD_DIFFERENCE
from MSSoftSegLib.change.midpoint import Side
from MSSoftSegLib.change.visit import Visit
from MSSoftSegLib.exam.geometry import Grid, image_like, resample, voxels


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
    """On the native grids of the earlier and the later visit; labels are the visit's own lesion instances, renumbered."""
    sides = (comparison.midpoint.before, comparison.midpoint.after)
    numbers = [
        {number: row.group.id for row in comparison.changes for number in (row.group.before, row.group.after)[place]}
        for place in range(2)
    ]
    first, second = (
        _on_native(visit, side, between, number)
        for visit, side, number in zip((comparison.before, comparison.after), sides, numbers, strict=True)
    )
    return first, second


def subtraction(comparison: Comparison) -> sitk.Image:
    """The later minus the earlier FLAIR in SDs of normal tissue, float32, in the space between; 0 outside the brain."""
    return comparison.midpoint.grid.image(comparison.midpoint.matched.z)


def _on_native(visit: Visit, side: Side, between: ChangeMaps, group_of: dict[int, int]) -> ChangeMaps:
    grid = Grid.of(visit.native_instances)
    back = side.native_from_midpoint.GetInverse()
    instances = voxels(visit.native_instances)
    table = np.zeros(int(instances.max(initial=0)) + 1, np.uint16)
    for number, group in group_of.items():
        table[number] = group
    return ChangeMaps(
        resample(between.change, grid, source_from_grid=back), image_like(visit.native_instances, table[instances])
    )
