"""Faint foci through more than two visits: no lesion mask numbers them, so they are followed by where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from MSSoftSegLib.change.comparison import Comparison
from MSSoftSegLib.change.faint import SPREAD_DIFFERENCE
from MSSoftSegLib.exam.linear import matrix_of, move_points

# Of a focus, what must lie in a group of the neighboring comparison to be the same focus.
LEAST_INSIDE = 0.5


@dataclass(frozen=True)
class FaintFocus:
    """A focus that one comparison lists although no mask holds it. pair, group: where it is listed; visit: the one that shows it.

    points: (n, 3) LPS mm on that visit's native space, one a voxel of 1 mm³. volume_mm3: ΣP at that visit.
    """

    pair: int
    group: int
    visit: int
    points: np.ndarray
    volume_mm3: float


def list_faint_foci(pairs: Sequence[Comparison]) -> tuple[FaintFocus, ...]:
    """Those of every comparison, in its order."""
    foci = []
    for pair, comparison in enumerate(pairs):
        midpoint = comparison.midpoint
        difference = np.abs(midpoint.after.probability - midpoint.before.probability)
        for row in (row for row in comparison.changes if row.group.is_faint):
            is_later = row.evidence.sign > 0
            voxels = np.argwhere((comparison.owner == row.group.id) & (difference >= SPREAD_DIFFERENCE))
            way = matrix_of((midpoint.after if is_later else midpoint.before).native_from_midpoint)
            points = move_points(voxels[:, ::-1].astype(float), way @ midpoint.grid.lps_from_voxel())
            volume = row.after_mm3 if is_later else row.before_mm3
            foci.append(FaintFocus(pair, row.group.id, pair + is_later, points, volume))
    return tuple(foci)


def find_group(pairs: Sequence[Comparison], focus: FaintFocus) -> tuple[int, int] | None:
    """The same focus in the other comparison of the visit that shows it, as pair and group; None where it lists none there."""
    other = focus.visit if focus.pair == focus.visit - 1 else focus.visit - 1
    if not 0 <= other < len(pairs) or not len(focus.points):
        return None
    owner = _sample(pairs, other, focus.visit, focus.points, pairs[other].owner)
    counts = np.bincount(owner.astype(int))
    counts[0] = 0
    group = int(counts.argmax())
    return (other, group) if counts[group] >= LEAST_INSIDE * len(focus.points) else None


def soft_volumes_mm3(pairs: Sequence[Comparison], focus: FaintFocus) -> tuple[float, ...]:
    """ΣP at the place of the focus at every visit; at the visit that shows it as its comparison has it."""
    found = [0.0] * (len(pairs) + 1)
    found[focus.visit] = focus.volume_mm3
    for step in (1, -1):
        visit, points = focus.visit, focus.points
        while 0 <= visit + step <= len(pairs):
            pair = visit if step > 0 else visit - 1
            midpoint = pairs[pair].midpoint
            own, other = (midpoint.before, midpoint.after)[::step]
            probability = _sample(pairs, pair, visit, points, other.probability)
            found[visit + step] = float(probability.sum()) * midpoint.voxel_mm3
            way = matrix_of(other.native_from_midpoint) @ np.linalg.inv(matrix_of(own.native_from_midpoint))
            visit, points = visit + step, move_points(points, way)
    return tuple(found)


def _sample(pairs: Sequence[Comparison], pair: int, visit: int, points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The nearest value of an array of the space between at each point of one of its visits' native space; 0 beside it."""
    midpoint = pairs[pair].midpoint
    side = midpoint.before if visit == pair else midpoint.after
    to_voxel = np.linalg.inv(matrix_of(side.native_from_midpoint) @ midpoint.grid.lps_from_voxel())
    index = np.rint(move_points(points, to_voxel)).astype(int)[:, ::-1]
    is_inside = ((index >= 0) & (index < values.shape)).all(axis=1)
    found = np.zeros(len(points), values.dtype)
    found[is_inside] = values[tuple(index[is_inside].T)]
    return found
