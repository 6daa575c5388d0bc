"""From an atlas brain that lies about right to this patient's brain.

Which gray values are brain is learned from the exam itself, whatever its contrasts: histograms inside and around the
atlas brain say how much more often a value (or pair, or triple of values of the contrasts) occurs inside. This evidence,
the distance from the atlas's surface and the neighbors decide together, and what was decided corrects the histograms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.exam.geometry import Grid, image_like, voxels
from MSSoftSegLib.preprocessing.brain_extraction.morphology import smooth_solid

BINS = 24
# Values beyond this multiple of what is bright inside the brain are alike: fat, contrast agent.
BRIGHT_MARGIN = 1.3
# Deeper than this under the atlas's surface is brain for certain.
CORE_MM = 5.0
# Outside the atlas brain this far may turn out to be brain, or teach what is not.
REACH_MM = 12.0
# How far off the atlas's surface is: the odds change by e over this distance.
SURFACE_WIDTH_MM = 2.0
# No value is evidence stronger than this (log odds), neighbors that all agree than that.
MAX_EVIDENCE = 3.0
NEIGHBOR_WEIGHT = 1.5
EVIDENCE_SMOOTHING_MM = 0.7
NEIGHBOR_SMOOTHING_MM = 1.5
ROUNDS, LEARNING_STEPS, NEIGHBOR_STEPS = 2, 3, 3


@dataclass(frozen=True)
class _Scene:
    """The surroundings of the atlas brain: arrays (z, y, x) of one shape.

    distance_mm from the atlas's surface, negative inside; level: which cell of the joint histogram a voxel falls into;
    shown: in every image's field of view.
    """

    distance_mm: np.ndarray
    level: np.ndarray
    shown: np.ndarray
    cells: tuple[int, ...]
    spacing_mm: float

    @property
    def near(self) -> np.ndarray:
        """Voxels that may be brain."""
        return self.distance_mm < REACH_MM


def refine_brain(heads: Sequence[sitk.Image], atlas_brain: sitk.Image) -> sitk.Image:
    """The brain in images of one isotropic grid, uint8; atlas_brain: uint8, roughly where it is, on that grid."""
    box = _box_around(atlas_brain)
    scene = _scene([head[box] for head in heads], atlas_brain[box])
    distance_mm = scene.distance_mm
    probability = _sigmoid(-distance_mm / SURFACE_WIDTH_MM)
    for _ in range(ROUNDS):
        probability = _decided(scene, distance_mm, probability)
        own_mm = _distance_mm(image_like(atlas_brain[box], (probability > 0.5).astype(np.uint8)))
        distance_mm = (scene.distance_mm + own_mm) / 2
    brain = smooth_solid((probability > 0.5) & scene.near, spacing_mm=scene.spacing_mm)
    full = np.zeros(atlas_brain.GetSize()[::-1], np.uint8)
    full[tuple(reversed(box))] = brain
    return image_like(atlas_brain, full)


def _scene(heads: Sequence[sitk.Image], atlas_brain: sitk.Image) -> _Scene:
    """Distances and histogram cells of all voxels."""
    distance_mm = _distance_mm(atlas_brain)
    level = np.zeros(distance_mm.shape, np.int32)
    shown = np.ones(distance_mm.shape, bool)
    for head in heads:
        values = voxels(head)
        bright = np.percentile(values[distance_mm < -CORE_MM], 99.5) * BRIGHT_MARGIN
        scaled = values / max(float(bright), np.finfo(np.float32).tiny) * BINS
        level = level * BINS + np.clip(scaled, 0, BINS - 1).astype(np.int32)
        shown &= values != 0
    return _Scene(distance_mm, level, shown, (BINS,) * len(heads), atlas_brain.GetSpacing()[0])


def _decided(scene: _Scene, distance_mm: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Probability of brain after learning the gray values of the present guess and asking the neighbors."""
    prior = -distance_mm / SURFACE_WIDTH_MM
    smoothing = NEIGHBOR_SMOOTHING_MM / scene.spacing_mm
    for _ in range(LEARNING_STEPS):
        own = prior + _evidence(scene, probability)
        probability = _sigmoid(own)
        for _ in range(NEIGHBOR_STEPS):
            around = ndimage.gaussian_filter(probability, smoothing, truncate=2.0)
            probability = _sigmoid(own + NEIGHBOR_WEIGHT * (2 * around - 1))
    return probability


def _evidence(scene: _Scene, probability: np.ndarray) -> np.ndarray:
    """Log odds of brain from the gray values alone; 0 where an image shows nothing."""
    usable = scene.near & scene.shown
    level, weight = scene.level[usable], probability[usable]
    inside, outside = (_share(level, weights, scene.cells) for weights in (weight, 1 - weight))
    odds = np.clip(np.log(inside / outside), -MAX_EVIDENCE, MAX_EVIDENCE).astype(np.float32).ravel()
    evidence = np.where(scene.shown, odds[scene.level], np.float32(0))
    return ndimage.gaussian_filter(evidence, EVIDENCE_SMOOTHING_MM / scene.spacing_mm, truncate=2.0)


def _share(level: np.ndarray, weights: np.ndarray, cells: tuple[int, ...]) -> np.ndarray:
    """The smoothed joint histogram of weighted voxels, summing to 1, nowhere 0."""
    count = np.bincount(level, weights=weights, minlength=int(np.prod(cells))).reshape(cells)
    smooth = ndimage.gaussian_filter(count, 1.0) + 1e-3
    return smooth / smooth.sum()


def _box_around(atlas_brain: sitk.Image) -> tuple[slice, slice, slice]:
    """The part of the grid (x, y, z) that holds the atlas brain and what is within reach of it."""
    margin = int(np.ceil((REACH_MM + 2) / atlas_brain.GetSpacing()[0]))
    occupied = np.nonzero(voxels(atlas_brain))
    low = [max(0, int(axis.min()) - margin) for axis in occupied[::-1]]
    high = [int(axis.max()) + 1 + margin for axis in occupied[::-1]]
    size = Grid.of(atlas_brain).size
    x, y, z = (slice(a, min(b, n)) for a, b, n in zip(low, high, size, strict=True))
    return x, y, z


def _distance_mm(mask: sitk.Image) -> np.ndarray:
    """Distance from the surface of a mask, negative inside; float32."""
    distance = sitk.SignedMaurerDistanceMap(mask, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
    return voxels(distance).astype(np.float32)


def _sigmoid(log_odds: np.ndarray) -> np.ndarray:
    """Probability from log odds, float32."""
    return (1 / (1 + np.exp(-np.clip(log_odds, -30, 30)))).astype(np.float32)
