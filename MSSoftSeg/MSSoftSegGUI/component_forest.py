"""Connected components of a map at any threshold, fast enough for a slider.

A maximum spanning forest over the candidate voxels, made once, connects the same voxels at every threshold as all
neighbor pairs do, with 13 times fewer edges and only the voxels above the lowest threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

# One of each pair of opposite neighbors among the 26, as (z, y, x).
HALF_NEIGHBORS = tuple((z, y, x) for z in (-1, 0, 1) for y in (-1, 0, 1) for x in (-1, 0, 1) if (z, y, x) > (0, 0, 0))


@dataclass(frozen=True)
class Components:
    """Components at one threshold. flat: flat indices of their voxels, most probable first; label: 0…count−1 of each."""

    flat: np.ndarray
    label: np.ndarray
    count: int


class ComponentForest:
    """flat: flat indices of all voxels ≥ lowest, highest value first. value: their values in that order."""

    def __init__(self, image: np.ndarray, *, lowest: float) -> None:
        """image: (z, y, x)."""
        candidates = np.flatnonzero(image >= image.dtype.type(lowest))
        value = image.ravel()[candidates]
        order = np.argsort(-value, kind="stable")
        self.flat, self.value = candidates[order], value[order]
        self._threshold_type = image.dtype.type
        rank = np.empty(len(order), np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        self._first, self._second, self._rank_needed = _forest(image.shape, candidates, rank)

    def active(self, threshold: float) -> int:
        """How many voxels are ≥ threshold: they are the first of ``flat``."""
        # Compared in the image's own type, as `image >= threshold` is.
        return int(np.searchsorted(-self.value, -self._threshold_type(threshold), side="right"))

    def components(self, threshold: float) -> Components:
        """The 26-connected components of image ≥ threshold, which must not be lower than ``lowest``."""
        active = self.active(threshold)
        edges = int(np.searchsorted(self._rank_needed, active, side="left"))
        first, second = self._first[:edges], self._second[:edges]
        graph = sparse.coo_array((np.ones(edges, np.int8), (first, second)), shape=(active, active))
        count, label = csgraph.connected_components(graph, directed=False) if active else (0, np.zeros(0, np.int32))
        return Components(self.flat[:active], label, int(count))


def _forest(
    shape: tuple[int, ...], candidates: np.ndarray, rank: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges of the forest between ranks, by rising rank of the lower voxel: from when on each edge counts."""
    pairs = [_pairs(shape, candidates, rank, step) for step in HALF_NEIGHBORS] if len(candidates) else []
    if not pairs:
        empty = np.zeros(0, np.int32)
        return empty, empty, empty
    first, second = (np.concatenate(side) for side in zip(*pairs, strict=True))
    # The later of both voxels decides; + 1 because a sparse matrix takes 0 for "no edge".
    weight = np.maximum(first, second) + 1
    graph = sparse.coo_array((weight, (first, second)), shape=(len(candidates), len(candidates))).tocsr()
    tree = csgraph.minimum_spanning_tree(graph).tocoo()
    needed = tree.data.astype(np.int32) - 1
    order = np.argsort(needed, kind="stable")
    return tree.row[order].astype(np.int32), tree.col[order].astype(np.int32), needed[order]


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
