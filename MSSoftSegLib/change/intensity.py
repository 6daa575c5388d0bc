"""Two FLAIR images in one unit, and how much they differ beyond what normal tissue does.

In the spirit of Schmidt et al. 2019 (NeuroImage: Clinical 23:101849): a difference means something by comparison with the
differences of normal-appearing tissue in the same pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from MSSoftSegLib.errors import BadExam
from MSSoftSegLib.preprocessing.normalization import IQR_OF_UNIT_NORMAL

# Nothing this near to what may be lesion counts as normal.
LESION_PROBABILITY = 0.05
AWAY_MM = 3
# The rim of the brain is where fluid, cortex and the mask's own errors meet.
DEPTH_MM = 5
FEWEST_VOXELS = 5000
# Registration leaves this much, in mm, whatever it believes of itself.
LEAST_SHIFT_MM = 0.3
# A slowly varying difference is coil shading or bias correction, not disease.
SHADING_SIGMA_MM = 25.0
SHADING_STEP = 4


@dataclass(frozen=True)
class Scale:
    """Value = (intensity − center) / spread."""

    center: float
    spread: float

    def applied(self, image: np.ndarray) -> np.ndarray:
        """The image in the common unit, float32."""
        return ((image - self.center) / self.spread).astype(np.float32)


@dataclass(frozen=True)
class Matched:
    """Both scales (earlier, later) and the difference later − earlier.

    z: float32 (z, y, x), the difference in units of what normal-appearing tissue and a small shift of its edges differ by;
    0 outside the compared brain. noise: SD of the difference in normal tissue, in the common unit. correlation: of the two
    images in the compared brain.
    """

    scales: tuple[Scale, Scale]
    z: np.ndarray
    noise: float
    correlation: float


def match_intensities(
    before: np.ndarray, after: np.ndarray, compared: np.ndarray, lesion: np.ndarray, disagreement_mm: float
) -> Matched:
    """Match two blurred images (z, y, x) of 1 mm; lesion: the larger of both probabilities.

    Each image is measured by itself over the same normal-appearing voxels: median and interquartile range, which lesions,
    vessels and atrophy move little. The edges' share: a shift by d mm changes a voxel by d times its slope.
    """
    normal = _normal(compared, lesion)
    scales = (_scale(before[normal]), _scale(after[normal]))
    first, second = scales[0].applied(before), scales[1].applied(after)
    correlation = float(np.corrcoef(first[compared], second[compared])[0, 1])
    difference = np.where(compared, second - first, 0.0)
    difference -= _shading(difference, normal)
    slope = _slope((first + second) / 2, compared)
    shift_mm = max(LEAST_SHIFT_MM, disagreement_mm / 2)
    noise = _spread(difference[normal & (slope <= np.median(slope[normal]))])
    z = difference / np.sqrt(noise**2 + (shift_mm * slope) ** 2)
    return Matched(scales, np.where(compared, z, 0.0).astype(np.float32), noise, correlation)


def _normal(compared: np.ndarray, lesion: np.ndarray) -> np.ndarray:
    """Brain well inside, away from lesions."""
    deep = ndimage.distance_transform_edt(compared) > DEPTH_MM
    near = ndimage.binary_dilation(lesion >= LESION_PROBABILITY, iterations=AWAY_MM)
    normal = deep & ~near
    if normal.sum() < FEWEST_VOXELS:
        raise BadExam(
            "the two visits have hardly any normal-appearing brain in common",
            remedy="check that both show the same head, and the brain outlines in their working folders",
        )
    return np.asarray(normal)


def _scale(values: np.ndarray) -> Scale:
    low, middle, high = np.percentile(values, (25, 50, 75))
    if not high > low:
        raise BadExam("a FLAIR image shows no contrast inside the brain", remedy="check that image")
    return Scale(float(middle), float(high - low) / IQR_OF_UNIT_NORMAL)


def _spread(values: np.ndarray) -> float:
    low, high = np.percentile(values, (25, 75))
    return max(float(high - low) / IQR_OF_UNIT_NORMAL, 1e-6)


def _shading(difference: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """The slowly varying part of the difference, from normal tissue alone; found on a coarse grid, as it is smooth."""
    reach = 3 * _spread(difference[normal])
    middle = float(np.median(difference[normal]))
    coarse = (slice(None, None, SHADING_STEP),) * 3
    smooth = ndimage.uniform_filter(np.clip(difference - middle, -reach, reach) * normal, SHADING_STEP)[coarse]
    weight = ndimage.uniform_filter(normal.astype(np.float32), SHADING_STEP)[coarse]
    sigma = SHADING_SIGMA_MM / SHADING_STEP
    ratio = ndimage.gaussian_filter(smooth, sigma) / np.maximum(ndimage.gaussian_filter(weight, sigma), 0.02)
    places = [np.arange(n, dtype=np.float32) / SHADING_STEP for n in difference.shape]
    return middle + _stretched(ratio, places)


def _stretched(coarse: np.ndarray, places: list[np.ndarray]) -> np.ndarray:
    """Linear interpolation at the outer product of places, axis by axis."""
    for axis, place in enumerate(places):
        low = np.minimum(place.astype(int), coarse.shape[axis] - 1)
        high = np.minimum(low + 1, coarse.shape[axis] - 1)
        share = np.expand_dims(place - low, tuple(n for n in range(3) if n != axis))
        coarse = np.take(coarse, low, axis) * (1 - share) + np.take(coarse, high, axis) * share
    return coarse


def _slope(image: np.ndarray, compared: np.ndarray) -> np.ndarray:
    """How much the image changes per mm."""
    steps = np.gradient(np.where(compared, image, 0.0))
    slope: np.ndarray = np.sqrt(np.sum(np.square(steps), axis=0, dtype=np.float32))
    return slope
