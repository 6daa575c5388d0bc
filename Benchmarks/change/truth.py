"""What a pair of digital visits gives: every group with the truth about it, every planted focus with its groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.change.comparison import Comparison
from MSSoftSegLib.change.evidence import Evidence
from MSSoftSegLib.change.graph import Group
from MSSoftSegLib.exam.geometry import resample, voxels
from MSSoftSegLib.exam.linear import chain_transforms
from MSSoftSegLib.phantom.two_visits import Fate


@dataclass(frozen=True)
class Judged:
    """One group of one pair with the truth about it. fate None: no lesion at all (a false detection)."""

    pair: int
    group: Group
    evidence: Evidence
    fate: Fate | None


@dataclass(frozen=True)
class Focus:
    """A planted focus: its fate, its longest side in mm, and which groups found it."""

    pair: int
    fate: Fate
    axis_mm: float
    groups: tuple[int, ...]


@dataclass(frozen=True)
class PairTruth:
    """What one pair gives. calm: nothing changed; slices: thickness of both visits in words."""

    number: int
    calm: bool
    slices: str
    groups: tuple[Judged, ...]
    foci: tuple[Focus, ...]


Fates = dict[int, tuple[Fate, float, float]]


def judged(number: int, calm: bool, slices: str, comparison: Comparison, foci: np.ndarray, fates: Fates) -> PairTruth:
    """Lay the truth beside every group. foci: labels on the grid between; fates: of each label, with volumes at both visits."""
    touching = _touching(comparison, foci)
    rows = [Judged(number, row.group, row.evidence, _fate(touching[row.group.id], fates)) for row in comparison.changes]
    found = {label: tuple(g for g, labels in touching.items() if label in labels) for label in fates}
    boxes = ndimage.find_objects(foci, max(fates, default=0))
    truth = [
        Focus(number, fate, _axis_mm(foci, label, boxes[label - 1]), found[label])
        for label, (fate, _, _) in fates.items()
        if boxes[label - 1] is not None
    ]
    return PairTruth(number, calm, slices, tuple(rows), tuple(truth))


def labels_between(comparison: Comparison, labels: sitk.Image, before_from_truth: sitk.Transform) -> np.ndarray:
    """The truth's labels on the grid between, nearest label: it is truth that is moved here, not a result."""
    way = chain_transforms(before_from_truth.GetInverse(), comparison.midpoint.half_way.before_from_midpoint)
    moved = resample(
        labels,
        comparison.midpoint.grid,
        source_from_grid=way,
        interpolator=sitk.sitkNearestNeighbor,
        pixel_type=sitk.sitkFloat32,
    )
    return np.rint(voxels(moved)).astype(int)


def _touching(comparison: Comparison, foci: np.ndarray) -> dict[int, set[int]]:
    """The foci under each group's own voxels (probability of either visit at least a quarter)."""
    either = np.maximum(comparison.midpoint.before.probability, comparison.midpoint.after.probability) >= 0.25
    both = np.stack([comparison.owner[either], foci[either]])
    pairs, counts = np.unique(both[:, (both > 0).all(axis=0)], axis=1, return_counts=True)
    touching: dict[int, set[int]] = {row.group.id: set() for row in comparison.changes}
    for (group, focus), count in zip(pairs.T, counts, strict=True):
        if count >= 3:
            touching[int(group)].add(int(focus))
    return touching


def _fate(labels: set[int], fates: Fates) -> Fate | None:
    """Of several foci in a group, that which changed its volume most."""
    if not labels:
        return None
    return max((abs(fates[n][2] - fates[n][1]), fates[n][0]) for n in labels)[1]


def _axis_mm(foci: np.ndarray, label: int, box: tuple[slice, ...]) -> float:
    """Longest distance between two voxels of a focus plus one voxel, 1 mm voxels."""
    places = np.argwhere(foci[box] == label)
    hull = places[:: max(1, len(places) // 400)]
    return float(np.linalg.norm(hull[:, None] - hull[None], axis=-1).max() + 1)
