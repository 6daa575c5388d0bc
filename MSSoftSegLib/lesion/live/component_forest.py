"""Connected components of a map at any threshold, fast enough for a slider.

A maximum spanning forest over the candidate voxels, made once, connects the same voxels at every threshold as all
neighbor pairs do, with 13 times fewer edges and only the voxels above the lowest threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from MSSoftSegLib.stepwise import Work

# One of each pair of opposite neighbors among the 26, as (z, y, x).
HALF_NEIGHBORS = tuple((z, y, x) for z in (-1, 0, 1) for y in (-1, 0, 1) for x in (-1, 0, 1) if (z, y, x) > (0, 0, 0))
NEIGHBORS_AT_ONCE = 3


@dataclass(frozen=True)
class Components:
    """Components at one threshold. flat: flat indices of their voxels, most probable first; label: 0…count−1 of each."""

    flat: np.ndarray
    label: np.ndarray
    count: int


@dataclass(frozen=True, eq=False)
class ComponentForest:
    """flat: flat indices of all voxels ≥ lowest, highest value first. value: their values in that order.

    first, second: the edges between ranks, by rising rank_needed, the rank of the later of both.
    """

    flat: np.ndarray
    value: np.ndarray
    first: np.ndarray
    second: np.ndarray
    rank_needed: np.ndarray

    def active(self, threshold: float) -> int:
        """How many voxels are ≥ threshold: they are the first of ``flat``."""
        # Compared in the image's own type, as `image >= threshold` is.
        return int(np.searchsorted(-self.value, -self.value.dtype.type(threshold), side="right"))

    def components(self, threshold: float) -> Components:
        """The 26-connected components of image ≥ threshold, which must not be lower than ``lowest``."""
        active = self.active(threshold)
        edges = int(np.searchsorted(self.rank_needed, active, side="left"))
        first, second = self.first[:edges], self.second[:edges]
        graph = sparse.coo_array((np.ones(edges, np.int8), (first, second)), shape=(active, active))
        count, label = csgraph.connected_components(graph, directed=False) if active else (0, np.zeros(0, np.int32))
        return Components(self.flat[:active], label, int(count))


def grow_forest(image: np.ndarray, *, lowest: float) -> Work[ComponentForest]:
    """The forest of all voxels ≥ lowest, made in steps of some 50 ms. image: (z, y, x)."""
    candidates = np.flatnonzero(image >= image.dtype.type(lowest))
    value = image.ravel()[candidates]
    order = np.argsort(-value, kind="stable")
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    first = second = needed = np.zeros(0, np.int32)
    # The forest of some edges joined with the next ones spans what all of them together span.
    for start in range(0, len(HALF_NEIGHBORS) if len(candidates) else 0, NEIGHBORS_AT_ONCE):
        yield
        steps = HALF_NEIGHBORS[start : start + NEIGHBORS_AT_ONCE]
        pairs = [(first, second), *(_pairs(image.shape, candidates, rank, step) for step in steps)]
        yield
        one_end, other_end = (np.concatenate(side) for side in zip(*pairs, strict=True))
        first, second, needed = _spanning(one_end, other_end, len(candidates))
    by_need = np.argsort(needed, kind="stable")
    return ComponentForest(candidates[order], value[order], first[by_need], second[by_need], needed[by_need])


def _spanning(first: np.ndarray, second: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The edges of these that a spanning forest needs, and from which rank on each counts."""
    # The later of both voxels decides; + 1 because a sparse matrix takes 0 for "no edge".
    weight = np.maximum(first, second) + 1
    graph = sparse.coo_array((weight, (first, second)), shape=(size, size)).tocsr()
    tree = csgraph.minimum_spanning_tree(graph).tocoo()
    return tree.row.astype(np.int32), tree.col.astype(np.int32), tree.data.astype(np.int32) - 1


def _pairs(
    shape: tuple[int, ...], candidates: np.ndarray, rank: np.ndarray, step: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Ranks of the candidates that are neighbors by this step."""
    z, y, x = np.unravel_index(candidates, shape)
    inside = np.ones(len(candidates), bool)
    for coordinate, size, way in zip((z, y, x), shape, step, strict=True):
        inside &= (coordinate + way >= 0) & (coordinate + way < size)
    own = np.flatnonzero(inside)
    target = candidates[own] + (step[0] * shape[1] + step[1]) * shape[2] + step[2]
    # Candidates are sorted: a neighbor that is one is found by bisection, without an array of the whole image.
    place = np.minimum(np.searchsorted(candidates, target), len(candidates) - 1)
    found = candidates[place] == target
    return rank[own[found]], rank[place[found]]
