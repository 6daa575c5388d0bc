"""What speaks for a change of one group of lesions: both probability maps, how sure they are, and the images themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from MSSoftSegLib.change.graph import Group
from MSSoftSegLib.change.midpoint import Midpoint
from MSSoftSegLib.lesion.instances import CONNECTIVITY_RANK, DEFAULT_CONNECTIVITY
from MSSoftSegLib.lesion.uncertainty import entropy_nats

# A voxel belongs to the place of change where the probability differs by at least this.
LEAST_DIFFERENCE = 0.25
# Beyond this many SDs more certainty adds nothing; where the image says nothing, the maps still choose the place.
MOST_Z, LEAST_Z = 8.0, 0.1
# A border that lies a fraction of a millimeter elsewhere fills no ball of this radius; a new focus does.
BALL_MM = 2.0


@dataclass(frozen=True)
class Evidence:
    """The place in a group where it changes most, and the group as a whole. Swapping the visits changes the sign only.

    sign: +1 more lesion at the later visit, −1 less, 0 where the maps hardly differ. focus_mm3: volume of the place of change,
    the connected one where maps and images together speak most; focus_peak: mean |ΔP| of the fullest ball in it. focus_z: mean
    image difference there in the direction of the sign, in SDs of normal tissue. focus_entropy_nats: mean of both visits'.
    focus_place: its center as an index (z, y, x). opposite_mm3, opposite_z: the same of the place that changes most the other
    way, 0 where there is none. soft_before_mm3, soft_after_mm3: ΣP of the group. compared: fraction of the group's lesions that
    both visits cover.
    """

    sign: int
    focus_mm3: float
    focus_peak: float
    focus_z: float
    focus_entropy_nats: float
    focus_place: tuple[float, float, float]
    opposite_mm3: float
    opposite_z: float
    soft_before_mm3: float
    soft_after_mm3: float
    compared: float

    @property
    def log_ratio(self) -> float:
        """ln of the soft volumes' ratio, later over earlier; a hundredth of a voxel keeps it finite."""
        return float(np.log((self.soft_after_mm3 + 0.01) / (self.soft_before_mm3 + 0.01)))


@dataclass(frozen=True)
class _Place:
    """A connected place where one visit has more lesion. weight: Σ |ΔP| · z, what is compared between places."""

    inside: np.ndarray
    weight: float
    z: float

    def is_before(self, other: _Place) -> bool:
        """Whether this one says more; of equal ones the first in the image, which swapping the visits does not change."""
        if self.weight != other.weight:
            return self.weight > other.weight
        return int(self.inside.argmax()) < int(other.inside.argmax())


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
    whole = replace(
        _nowhere(),
        soft_before_mm3=float((before * comparable).sum() * midpoint.voxel_mm3),
        soft_after_mm3=float((after * comparable).sum() * midpoint.voxel_mm3),
        compared=covered,
    )
    gained, lost = (_strongest(s * difference, s * midpoint.matched.z[box]) for s in (1, -1))
    if gained is None and lost is None:
        return whole
    is_gain = lost is None or (gained is not None and gained.is_before(lost))
    sign, focus, opposite = (1, gained, lost) if is_gain else (-1, lost, gained)
    assert focus is not None
    entropy = (entropy_nats(before[focus.inside]) + entropy_nats(after[focus.inside])) / 2
    starts = np.array([axis.start for axis in box])
    z, y, x = (float(v) for v in np.argwhere(focus.inside).mean(axis=0) + starts)
    return replace(
        whole,
        sign=sign,
        focus_mm3=float(focus.inside.sum() * midpoint.voxel_mm3),
        focus_peak=float(_ball_mean(sign * difference, midpoint.grid.spacing_mm[0])[focus.inside].max()),
        focus_z=focus.z,
        focus_entropy_nats=float(entropy.mean()),
        focus_place=(z, y, x),
        opposite_mm3=0.0 if opposite is None else float(opposite.inside.sum() * midpoint.voxel_mm3),
        opposite_z=0.0 if opposite is None else opposite.z,
    )


def _strongest(gain: np.ndarray, z: np.ndarray) -> _Place | None:
    """The connected place of ``gain`` where map and image together speak most for it; None where the map says nothing."""
    structure = ndimage.generate_binary_structure(3, CONNECTIVITY_RANK[DEFAULT_CONNECTIVITY])
    labels, count = ndimage.label(gain >= LEAST_DIFFERENCE, structure)
    if count == 0:
        return None
    weights = ndimage.sum_labels(gain * np.clip(z, LEAST_Z, MOST_Z), labels, np.arange(1, count + 1))
    inside = labels == 1 + int(weights.argmax())
    return _Place(inside, float(weights.max()), float(np.clip(z[inside], -MOST_Z, MOST_Z).mean()))


def _ball_mean(values: np.ndarray, spacing_mm: float) -> np.ndarray:
    """Mean over a ball of BALL_MM around each voxel; 0 lies around the array."""
    reach = int(np.ceil(BALL_MM / spacing_mm))
    axis = np.arange(-reach, reach + 1) * spacing_mm
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    ball = (z**2 + y**2 + x**2 <= BALL_MM**2).astype(np.float32)
    return np.asarray(ndimage.convolve(values.astype(np.float32), ball / ball.sum(), mode="constant"))


def _nowhere() -> Evidence:
    """A group outside everything that was compared."""
    return Evidence(0, 0.0, 0.0, 0.0, 0.0, (0.0, 0.0, 0.0), 0.0, 0.0, 0.0, 0.0, 0.0)
