"""Whether a probability of 0.7 means seven times out of ten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from MSSoftSegLib.evaluation.boxes import box_around
from MSSoftSegLib.lesion.instances import EQUAL_VOLUME_TOLERANCE

DEFAULT_BINS = 15
NEIGHBORHOOD_MM = 5.0


@dataclass(frozen=True)
class Reliability:
    """Voxels by predicted probability in equal-width bins of 0–1: count, Σ probability and Σ truth, each (bins,)."""

    count: np.ndarray
    probability_sum: np.ndarray
    truth_sum: np.ndarray

    @property
    def mean_probability(self) -> np.ndarray:
        """Mean predicted probability of each bin; NaN where it is empty."""
        return self.probability_sum / np.where(self.count > 0, self.count, np.nan)

    @property
    def mean_truth(self) -> np.ndarray:
        """Observed frequency of lesion in each bin; NaN where it is empty."""
        return self.truth_sum / np.where(self.count > 0, self.count, np.nan)

    @property
    def error(self) -> float | None:
        """ECE = Σ_b n_b/n · |mean truth − mean probability|; None for no voxels."""
        total = self.count.sum()
        return float(np.abs(self.truth_sum - self.probability_sum).sum() / total) if total else None


def reliability_curve(probability: np.ndarray, truth: np.ndarray, *, bins: int = DEFAULT_BINS) -> Reliability:
    """Bin the voxels of two arrays of one shape, values 0–1 (truth soft or binary); bin b is [b, b + 1)/bins, 1 in the last."""
    p, t = probability.ravel().astype(np.float64), truth.ravel().astype(np.float64)
    if p.shape != t.shape:
        raise ValueError(f"{p.size} probabilities and {t.size} voxels of truth")
    index = np.minimum((p * bins).astype(np.intp), bins - 1)
    return Reliability(
        count=np.bincount(index, minlength=bins),
        probability_sum=np.bincount(index, weights=p, minlength=bins),
        truth_sum=np.bincount(index, weights=t, minlength=bins),
    )


def pool_reliability(curves: Sequence[Reliability]) -> Reliability:
    """The voxels of several cases together (a case with a larger brain weighs more)."""
    return Reliability(
        count=np.sum([curve.count for curve in curves], axis=0),
        probability_sum=np.sum([curve.probability_sum for curve in curves], axis=0),
        truth_sum=np.sum([curve.truth_sum for curve in curves], axis=0),
    )


def expected_calibration_error(probability: np.ndarray, truth: np.ndarray, *, bins: int = DEFAULT_BINS) -> float | None:
    """Σ_b n_b/n · |mean truth − mean probability| over equal-width bins; arrays of one shape, truth 0–1 (soft or binary).

    None for no voxels.
    """
    return reliability_curve(probability, truth, bins=bins).error


def brier_score(probability: np.ndarray, truth: np.ndarray) -> float | None:
    """Mean (probability − truth)² of arrays of one shape, values 0–1, 0 is best; None for no voxels. Source: Brier 1950."""
    difference = probability.ravel().astype(np.float64) - truth.ravel()
    return float(np.mean(difference * difference)) if difference.size else None


def neighborhood(lesions: np.ndarray, *, spacing_mm: Sequence[float], radius_mm: float = NEIGHBORHOOD_MM) -> np.ndarray:
    """Voxels of a mask (z, y, x) and those whose center lies within radius_mm of the center of one of its voxels, bool."""
    inside = lesions != 0
    near = np.zeros(inside.shape, dtype=bool)
    margin = [int(np.ceil(radius_mm / mm)) for mm in spacing_mm]
    box = box_around(inside, margin=margin)
    if inside[box].size:
        distance_mm = ndimage.distance_transform_edt(~inside[box], sampling=spacing_mm)
        near[box] = distance_mm <= radius_mm * (1 + EQUAL_VOLUME_TOLERANCE)
    return near
