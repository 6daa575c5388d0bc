"""Kats' growth: the mask grows to a stated percentage of its size, nearest and brightest voxels first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from MSSoftSegLib.softlabel.distance import ROUNDING_MM, Spacing, Window, squared_distance_mm2, window_around

# Beyond this one full distance transform is cheaper than shifts within reach.
LONGEST_REACH_MM = 16.0


@dataclass(frozen=True)
class Growth:
    """shell: bool (z, y, x), none of it in the core. warnings: what the user should know about it."""

    shell: np.ndarray
    warnings: tuple[str, ...] = ()


def kats_growth(
    core: np.ndarray,
    flair: np.ndarray,
    spacing_mm: Spacing,
    *,
    size_percent: float,
    flair_threshold: float | None = None,
) -> Growth:
    """Grow the core by round((size − 1)·|core|) voxels.

    Voxels whose FLAIR is below the threshold are dropped (default: mean minus one SD over all lesion voxels); the others
    come in the order of their distance to the core in mm, the brighter first where distances are equal, without a limit
    on the distance. The shell falls short where there are no more.
    Source: Kats et al. 2019, arXiv:1901.09263. Kernel and threshold are not published: order and default are ours.
    """
    size = int(np.count_nonzero(core))
    wanted = round((size_percent - 100) * size / 100)
    if size == 0:
        return Growth(np.zeros(core.shape, bool))
    if flair_threshold is None:
        inside = flair[core].astype(np.float64)
        flair_threshold = float(inside.mean() - inside.std())
    candidates = ~core & (flair >= np.float64(flair_threshold))
    available = int(np.count_nonzero(candidates))
    if available < wanted:
        short = f"only {available} of {wanted} voxels to grow by have a FLAIR of at least {flair_threshold:.4g}"
        return Growth(candidates, (f"{short}: the mask reaches {100 * (1 + available / size):.1f} per cent",))
    return Growth(_nearest_and_brightest(candidates, core, flair, spacing_mm, wanted))


def _nearest_and_brightest(
    candidates: np.ndarray, core: np.ndarray, flair: np.ndarray, spacing_mm: Spacing, wanted: int
) -> np.ndarray:
    """The first ``wanted`` of the candidates, of which there are more, by distance and then by falling FLAIR."""
    reach_mm = 2 * max(spacing_mm)
    window, distance_mm = _reached(core, spacing_mm, reach_mm)
    while np.count_nonzero(candidates[window] & (distance_mm <= reach_mm + ROUNDING_MM)) < wanted:
        reach_mm *= 2
        window, distance_mm = _reached(core, spacing_mm, reach_mm)
    near = candidates[window] & (distance_mm <= reach_mm + ROUNDING_MM)
    # Equal distances come out of different sums: only rounded ones are equal.
    order = np.lexsort((-flair[window][near], np.round(distance_mm[near] / ROUNDING_MM)))
    chosen = np.zeros(order.size, bool)
    chosen[order[:wanted]] = True
    shell = np.zeros(core.shape, bool)
    shell[window][near] = chosen
    return shell


def _reached(core: np.ndarray, spacing_mm: Spacing, reach_mm: float) -> tuple[Window, np.ndarray]:
    """A window that holds all within reach of the core, and the distance to it in mm there."""
    window = window_around(core, spacing_mm, reach_mm)
    if reach_mm <= LONGEST_REACH_MM:
        return window, np.sqrt(squared_distance_mm2(core[window], spacing_mm, reach_mm=reach_mm))
    return window, ndimage.distance_transform_edt(~core[window], sampling=spacing_mm)
