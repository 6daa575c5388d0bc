"""What speaks for a change of one group of lesions: both probability maps, how sure they are, and the images themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from MSSoftSegLib.change.graph import Group
from MSSoftSegLib.change.midpoint import Midpoint
from MSSoftSegLib.lesion.instances import CONNECTIVITY_RANK, DEFAULT_CONNECTIVITY
from MSSoftSegLib.lesion.uncertainty import entropy_nats

# A voxel belongs to the place of change where the probability differs by at least this.
LEAST_DIFFERENCE = 0.25
# Beyond this many SDs more certainty adds nothing.
MOST_Z = 8.0


@dataclass(frozen=True)
class Evidence:
    """The place in a group where it changes most, and the group as a whole. Swapping the visits changes the sign only.

    sign: +1 more lesion at the later visit, −1 less, 0 where the maps hardly differ. focus_mm3: volume of the place of change,
    the largest connected one; focus_difference: mean |ΔP| there. focus_z: mean image difference there in the direction of the
    sign, in SDs of normal tissue. focus_entropy_nats: mean of both visits'. soft_before_mm3, soft_after_mm3: ΣP of the group.
    net: (later − earlier) / (sum of |ΔP|), −1 to 1. compared: fraction of the group's lesions that both visits cover.
    """

    sign: int
    focus_mm3: float
    focus_difference: float
    focus_z: float
    focus_entropy_nats: float
    soft_before_mm3: float
    soft_after_mm3: float
    net: float
    compared: float

    @property
    def log_ratio(self) -> float:
        """ln of the soft volumes' ratio, later over earlier; a hundredth of a voxel keeps it finite."""
        return float(np.log((self.soft_after_mm3 + 0.01) / (self.soft_before_mm3 + 0.01)))


def group_evidence(midpoint: Midpoint, owner: np.ndarray, groups: tuple[Group, ...]) -> tuple[Evidence, ...]:
    """One entry per group; owner: the group of each voxel (z, y, x), as ``domains`` gives it."""
    boxes = ndimage.find_objects(owner, len(groups))
    return tuple(
        _evidence(midpoint, owner, group, box) if box is not None else _nowhere()
        for group, box in zip(groups, boxes, strict=True)
    )


def _evidence(midpoint: Midpoint, owner: np.ndarray, group: Group, box: tuple[slice, ...]) -> Evidence:
    inside = owner[box] == group.id
    comparable = inside & midpoint.compared[box]
    before, after = midpoint.before.probability[box], midpoint.after.probability[box]
    either = np.maximum(before, after) * inside
    covered = float((either * comparable).sum() / either.sum()) if either.sum() > 0 else 0.0
    difference = np.where(comparable, after - before, 0.0)
    total = float(np.abs(difference).sum())
    sums = [float((part * comparable).sum() * midpoint.voxel_mm3) for part in (before, after)]
    sign, focus = _focus(difference)
    if not focus.any():
        net = float(difference.sum() / total) if total > 0 else 0.0
        return Evidence(0, 0.0, 0.0, 0.0, 0.0, sums[0], sums[1], net, covered)
    z = np.clip(sign * midpoint.matched.z[box][focus], -MOST_Z, MOST_Z)
    entropy = (entropy_nats(before[focus]) + entropy_nats(after[focus])) / 2
    return Evidence(
        sign=sign,
        focus_mm3=float(focus.sum() * midpoint.voxel_mm3),
        focus_difference=float(np.abs(difference[focus]).mean()),
        focus_z=float(z.mean()),
        focus_entropy_nats=float(entropy.mean()),
        soft_before_mm3=sums[0],
        soft_after_mm3=sums[1],
        net=float(difference.sum() / total) if total > 0 else 0.0,
        compared=covered,
    )


def _focus(difference: np.ndarray) -> tuple[int, np.ndarray]:
    """The connected place where most changes, by Σ|ΔP|, and its sign; ties go to neither visit."""
    best, sign, focus = 0.0, 0, np.zeros(difference.shape, bool)
    structure = ndimage.generate_binary_structure(3, CONNECTIVITY_RANK[DEFAULT_CONNECTIVITY])
    for direction in (1, -1):
        labels, count = ndimage.label(direction * difference >= LEAST_DIFFERENCE, structure)
        if count == 0:
            continue
        mass = ndimage.sum_labels(direction * difference, labels, np.arange(1, count + 1))
        if mass.max() > best:
            best, sign, focus = float(mass.max()), direction, labels == 1 + int(mass.argmax())
    return sign, focus


def _nowhere() -> Evidence:
    """A group outside everything that was compared."""
    return Evidence(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
