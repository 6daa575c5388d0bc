"""Voxel-specific gamma, the thesis' own future work: bright and close voxels count more than dim and distant ones.

For a voxel with FLAIR F at distance d from a lesion with mean FLAIR μ, at most radius_mm (r) away::

    γ_i = γ · b · w,   b = clip((F − (μ − 2σ)) / 2σ, 0, 1),   w = 1 − d / 2r

σ is the SD of FLAIR within lesions, about each lesion's own mean, pooled over all of them. Where several lesions are within
reach the largest value stands. γ_i never falls when the voxel gets brighter, never rises with its distance, and lies
between 0 and γ.

Why so. *Brightness*: a voxel as bright as the lesion's mean is as good a lesion voxel as the drawn ones, one two SD below is
not found among them in practice (CSF and most normal-appearing tissue lie lower), so that b runs from 0 to 1 between the two
instead of cutting at the mean, as the thesis does, or at one SD below it, as Kats does. Pooling σ gives a one-voxel lesion,
which has no SD of its own, a usable one. *Distance*: raters differ by about a voxel at the border; w falls linearly from 1
at the core to a half at the radius, so that halving the voxels does not change what a place in the patient gets. The product
wants both.
"""

from __future__ import annotations

import numpy as np

from MSSoftSegLib.softlabel.distance import Spacing, is_within
from MSSoftSegLib.softlabel.lesions_of_core import NearbyLesion, find_nearby_lesions

# How far below a lesion's mean FLAIR a voxel counts for nothing, in SD within lesions.
DIMMEST_SD = 2.0
# What is left of a voxel's weight at the radius.
WEIGHT_AT_RADIUS = 0.5


def voxelwise_gamma(
    core: np.ndarray, flair: np.ndarray, spacing_mm: Spacing, *, gamma: float, radius_mm: float
) -> np.ndarray:
    """Gamma of every voxel of the shell, float32 (z, y, x), 0 to gamma; 0 in the core and beyond radius_mm."""
    lesions = list(find_nearby_lesions(core, flair, spacing_mm, reach_mm=radius_mm))
    span = DIMMEST_SD * _sd_within_lesions(lesions, flair)
    values = np.zeros(core.shape, np.float32)
    for lesion in lesions:
        near = is_within(lesion.squared_mm2, radius_mm)
        distance_mm = np.minimum(np.sqrt(lesion.squared_mm2[near]), radius_mm)
        weight = 1 - (1 - WEIGHT_AT_RADIUS) * distance_mm / radius_mm
        brightness = relative_brightness(flair[lesion.window][near], mean=float(lesion.mean_flair), span=span)
        part = values[lesion.window]
        part[near] = np.maximum(part[near], gamma * brightness * weight)
    values[core] = 0
    return values


def relative_brightness(flair: np.ndarray, *, mean: float, span: float) -> np.ndarray:
    """0 at span below the mean, 1 at the mean and above, linear between; with a span of 0 a step at the mean."""
    below = mean - flair.astype(np.float64)
    if span <= 0:
        return (below <= 0).astype(np.float64)
    return np.clip(1 - below / span, 0, 1)


def _sd_within_lesions(lesions: list[NearbyLesion], flair: np.ndarray) -> float:
    """SD of FLAIR about each lesion's own mean, pooled; 0 where no lesion varies."""
    squares, count = 0.0, 0
    for lesion in lesions:
        inside = flair[lesion.window][lesion.squared_mm2 == 0].astype(np.float64)
        squares += float(np.sum((inside - lesion.mean_flair) ** 2))
        count += inside.size
    return float(np.sqrt(squares / count)) if count else 0.0
