"""Foci that no visit's lesion mask holds, but whose coming or going maps and images both show.

The lesion mask has one threshold for everything; a difference between two visits is stronger evidence than one visit is, so a
focus below the threshold counts where the probability rises or falls *and* the image does (hysteresis in time).
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from MSSoftSegLib.change.graph import Group, spread
from MSSoftSegLib.change.midpoint import Midpoint
from MSSoftSegLib.lesion.instances import CONNECTIVITY_RANK, DEFAULT_CONNECTIVITY

# A faint focus spreads as far as the probability differs by the first, and must differ by the second somewhere.
SPREAD_DIFFERENCE, CORE_DIFFERENCE = 0.15, 0.3
# Mean image difference over the focus, in SDs of normal tissue. Chosen on real pairs: Benchmarks/results/change/real.md.
LEAST_FAINT_Z = 2.0
SMALLEST_FAINT_MM3 = 8.0


def add_faint(midpoint: Midpoint, groups: tuple[Group, ...], owner: np.ndarray) -> tuple[tuple[Group, ...], np.ndarray]:
    """The groups and each voxel's owner (int32, z, y, x) with the faint foci added, largest difference first.

    Nothing that a lesion of either visit owns is touched. Swapped visits give the same foci in the same order.
    """
    difference = np.where(midpoint.compared & (owner == 0), midpoint.after.probability - midpoint.before.probability, 0)
    found: list[tuple[float, tuple[int, ...], tuple[slice, ...], np.ndarray]] = []
    for sign in (1, -1):
        found += _foci(sign * difference, sign * midpoint.matched.z, midpoint.voxel_mm3)
    # Equal ones by place, which swapping the visits does not change.
    found.sort(key=lambda focus: (-focus[0], focus[1]))
    seeds = np.zeros(owner.shape, np.int32)
    faint = []
    for number, (_, _, box, inside) in enumerate(found, start=len(groups) + 1):
        seeds[box][inside] = number
        faint.append(Group(number, (), ()))
    return (*groups, *faint), np.where(owner == 0, spread(seeds), owner)


def _foci(
    gain: np.ndarray, z: np.ndarray, voxel_mm3: float
) -> list[tuple[float, tuple[int, ...], tuple[slice, ...], np.ndarray]]:
    """Per focus: Σ of its gain, where its box begins, the box, and the focus in it."""
    structure = ndimage.generate_binary_structure(3, CONNECTIVITY_RANK[DEFAULT_CONNECTIVITY])
    labels, _ = ndimage.label(gain >= SPREAD_DIFFERENCE, structure)
    foci = []
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        inside = labels[box] == number
        is_core = gain[box][inside].max() >= CORE_DIFFERENCE
        if is_core and inside.sum() * voxel_mm3 >= SMALLEST_FAINT_MM3 and z[box][inside].mean() >= LEAST_FAINT_Z:
            foci.append((float(gain[box][inside].sum()), tuple(axis.start for axis in box), box, inside))
    return foci
