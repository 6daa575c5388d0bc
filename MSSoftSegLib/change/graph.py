"""Which lesions of one visit are which of the other: many to many, for lesions merge and fall apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from MSSoftSegLib.change.membership import LEAST_FRACTION, SoftLesion

# Blurring by a millimeter lets lesions meet that slices and registration put side by side.
BLUR_MM = 1.0
# Of the smaller lesion's volume, what must be shared to be the same lesion.
LEAST_SHARED = 0.2
# A voxel belongs to the nearest group up to this far from it, as in the soft volumes of lesions.csv.
REACH_MM = 3.0


@dataclass(frozen=True)
class Group:
    """Lesions that are one and the same disease focus at two visits; either side may be empty. Numbers are sorted.

    Both are empty where no visit's lesion mask holds it: a faint focus (``faint.py``).
    """

    id: int
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def is_faint(self) -> bool:
        """Whether it lies below the threshold of both visits' lesion masks."""
        return not self.before and not self.after


def lesion_groups(
    before: Sequence[SoftLesion], after: Sequence[SoftLesion], shape: tuple[int, int, int]
) -> tuple[Group, ...]:
    """The connected parts of the graph whose edges are shared volume; voxels of 1 mm.

    Ids count from 1 by falling volume of the larger side; the order does not depend on which visit came first.
    """
    total = len(before) + len(after)
    if total == 0:
        return ()
    pairs = [
        (i, len(before) + j)
        for i, one in enumerate(before)
        for j, other in enumerate(after)
        if _is_shared(one, other, shape)
    ]
    rows, columns = (np.array(pairs, int).reshape(-1, 2)).T
    edges = coo_array((np.ones(len(pairs)), (rows, columns)), shape=(total, total))
    count, part = connected_components(edges, directed=False)
    members: list[tuple[list[SoftLesion], list[SoftLesion]]] = [([], []) for _ in range(count)]
    for position, lesion in enumerate([*before, *after]):
        members[part[position]][position >= len(before)].append(lesion)
    members.sort(key=_rank)
    return tuple(
        Group(id, tuple(sorted(n.number for n in one)), tuple(sorted(n.number for n in other)))
        for id, (one, other) in enumerate(members, start=1)
    )


def domains(
    groups: Sequence[Group],
    before: Sequence[SoftLesion],
    after: Sequence[SoftLesion],
    shape: tuple[int, int, int],
) -> np.ndarray:
    """The group that each voxel belongs to, int32 (z, y, x), 0 for none: lesions of either visit and what lies around."""
    best = np.full(shape, LEAST_FRACTION, np.float32)
    owner = np.zeros(shape, np.int32)
    for lesions, numbers in (
        (before, {n: group.id for group in groups for n in group.before}),
        (after, {n: group.id for group in groups for n in group.after}),
    ):
        for lesion in lesions:
            group, others = numbers[lesion.number], owner[lesion.window]
            # Of equal shares the lower number, which does not depend on which visit came first.
            is_tie = (lesion.fraction == best[lesion.window]) & (group < others)
            more = (lesion.fraction > best[lesion.window]) | is_tie
            best[lesion.window][more] = lesion.fraction[more]
            others[more] = group
    return spread(owner)


def spread(owner: np.ndarray) -> np.ndarray:
    """Each number of an int array (z, y, x) spread REACH_MM around it; what lies between two goes to the nearer."""
    if not owner.any():
        return owner
    distance, nearest = ndimage.distance_transform_edt(owner == 0, return_indices=True)
    return np.where(distance <= REACH_MM, owner[tuple(nearest)], 0).astype(np.int32)


def _is_shared(one: SoftLesion, other: SoftLesion, shape: tuple[int, int, int]) -> bool:
    reach = int(np.ceil(3 * BLUR_MM))
    if one.fraction.size == 0 or other.fraction.size == 0:
        return False
    window = []
    for a, b, size in zip(one.window, other.window, shape, strict=True):
        start = max(min(a.start, b.start) - reach, 0)
        stop = min(max(a.stop, b.stop) + reach, size)
        if max(a.start, b.start) - min(a.stop, b.stop) > reach:
            return False
        window.append(slice(start, stop))
    first, second = (_blurred(lesion, window) for lesion in (one, other))
    smaller = min(float(first.sum()), float(second.sum()))
    return smaller > 0 and float(np.minimum(first, second).sum()) >= LEAST_SHARED * smaller


def _blurred(lesion: SoftLesion, window: Sequence[slice]) -> np.ndarray:
    whole = np.zeros([w.stop - w.start for w in window], np.float32)
    inner = tuple(
        slice(own.start - outer.start, own.stop - outer.start) for own, outer in zip(lesion.window, window, strict=True)
    )
    whole[inner] = lesion.fraction
    return ndimage.gaussian_filter(whole, BLUR_MM)


def _rank(sides: tuple[list[SoftLesion], list[SoftLesion]]) -> tuple[float, tuple[int, ...]]:
    """Largest first; where two are equally large, by place, which swapping the visits does not change."""
    volumes = [sum(lesion.volume_mm3 for lesion in side) for side in sides]
    starts = [tuple(axis.start for axis in lesion.window) for side in sides for lesion in side]
    return -max(volumes), min(starts)
