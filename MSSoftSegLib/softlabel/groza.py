"""Smoothed borders ("Groza-style"): Gaussian, signed-distance ramp, and spatially varying label smoothing.

Groza et al. 2020 train on masks with smoothed borders and name no function; these three are our reading of it. All take the
merged raters' values: 1 in the core, gamma where raters disagree or call a lesion possible. The two filters are linear, so
that gamma parts are smoothed like any other value; the ramp is taken of each level and summed. Voxels beyond the image are
taken to repeat its border: a lesion that the field of view cuts is not softened at the cut.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from MSSoftSegLib.softlabel.distance import Spacing, squared_distance_mm2, window_around

# As far as the Gaussian is computed, in SD.
TRUNCATED_AT_SD = 4.0
# SVLS takes a narrower kernel for this one, in voxels of the smallest spacing: its weights would drown in rounding.
NARROWEST_SD_IN_VOXELS = 0.2


def gaussian_border(value: np.ndarray, spacing_mm: Spacing, *, sigma_mm: float) -> np.ndarray:
    """Values, float32 (z, y, x), blurred with a Gaussian whose SD is sigma_mm along every axis."""
    result = value.copy()
    window = window_around(value > 0, spacing_mm, TRUNCATED_AT_SD * sigma_mm + max(spacing_mm))
    sigma = [sigma_mm / step_mm for step_mm in spacing_mm]
    result[window] = ndimage.gaussian_filter(value[window], sigma, mode="nearest", truncate=TRUNCATED_AT_SD)
    return result


def ramp_border(value: np.ndarray, spacing_mm: Spacing, *, half_width_mm: float) -> np.ndarray:
    """A linear ramp across the border, from 1 at half_width_mm inside to 0 at half_width_mm outside; a half on it.

    The distance is Euclidean, to the voxels' faces. A soft value is a sum of binary masks (where the value is at least
    each level, times the step to the level before); the result is the same sum of their ramps: a gamma region keeps gamma in
    its inside and falls to 0 at its own border.
    """
    result = np.zeros(value.shape, np.float32)
    before = 0.0
    for level in np.unique(value[value > 0]):
        result += np.float32(level - before) * _ramp(value >= level, spacing_mm, half_width_mm)
        before = float(level)
    return result


def _ramp(mask: np.ndarray, spacing_mm: Spacing, half_width_mm: float) -> np.ndarray:
    ramp = mask.astype(np.float32)
    window = window_around(mask, spacing_mm, half_width_mm)
    inside = mask[window]
    outward = squared_distance_mm2(inside, spacing_mm, reach_mm=half_width_mm, to_edge=True)
    inward = squared_distance_mm2(~inside, spacing_mm, reach_mm=half_width_mm, to_edge=True)
    signed_mm = np.sqrt(outward) - np.sqrt(inward)
    ramp[window] = np.clip(0.5 - signed_mm / (2 * half_width_mm), 0, 1)
    return ramp


def svls_border(value: np.ndarray, spacing_mm: Spacing, *, sigma_mm: float) -> np.ndarray:
    """Spatially varying label smoothing of values, float32 (z, y, x).

    Half of a label is the voxel's own, the other half the mean of its neighbors by Gaussian weights exp(−d²/2σ²), d in mm:
    the published kernel gives the center as much weight as all neighbors together. Its 3×3×3 voxels are the box of ±σ at
    σ = 1 voxel; in mm, the box of ±σ, and never less than 3×3×3.
    Being linear, the mean over raters of their smoothed masks is the smoothed mean.
    Source: Islam and Glocker 2021, arXiv:2104.05788. In mm is our choice.
    """
    result = value.copy()
    reach = [max(1, int(sigma_mm / step_mm + 1e-3)) for step_mm in spacing_mm]
    margin_mm = max(count * step_mm for count, step_mm in zip(reach, spacing_mm, strict=True))
    window = window_around(value > 0, spacing_mm, margin_mm)
    sigma_mm = max(sigma_mm, NARROWEST_SD_IN_VOXELS * min(spacing_mm))
    weighted = value[window].astype(np.float64)
    total = 1.0
    for axis, (count, step_mm) in enumerate(zip(reach, spacing_mm, strict=True)):
        weights = np.exp(-((np.arange(-count, count + 1) * step_mm) ** 2) / (2 * sigma_mm**2))
        weighted = ndimage.correlate1d(weighted, weights, axis=axis, mode="nearest")
        total *= weights.sum()
    # The kernel's center has weight 1: without it, the neighbors are left.
    neighbors = (weighted - value[window]) / (total - 1)
    result[window] = (value[window] + neighbors) / 2
    return result
