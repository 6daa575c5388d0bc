"""Precision and recall over thresholds: what a lower threshold buys and costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# 0.01, 0.02 … 0.99
THRESHOLDS = np.arange(1, 100) / 100


@dataclass(frozen=True)
class PrecisionRecall:
    """Voxel counts at each of the 99 thresholds, a voxel being lesion where probability ≥ threshold; each (99,)."""

    true_positive: np.ndarray
    false_positive: np.ndarray
    false_negative: np.ndarray

    @property
    def precision(self) -> np.ndarray:
        """PPV at each threshold; NaN where nothing is predicted."""
        return _quotient(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall(self) -> np.ndarray:
        """TPR at each threshold; NaN where the truth is empty."""
        return _quotient(self.true_positive, self.true_positive + self.false_negative)

    @property
    def dsc(self) -> np.ndarray:
        """DSC at each threshold; NaN where both are empty."""
        return _quotient(2 * self.true_positive, 2 * self.true_positive + self.false_positive + self.false_negative)


def precision_recall(probability: np.ndarray, truth: np.ndarray) -> PrecisionRecall:
    """Counts over thresholds; arrays of one shape, probability 0–1, truth a mask."""
    if probability.shape != truth.shape:
        raise ValueError(f"shapes differ: {probability.shape} and {truth.shape}")
    p = probability if probability.dtype.kind == "f" else probability.astype(np.float64)
    # Compared in the map's own precision, as everywhere else: 0.7 in 32 bits reaches a threshold of 0.7.
    thresholds = THRESHOLDS.astype(p.dtype)
    # Most of a brain reaches no threshold at all.
    candidate = p >= thresholds[0]
    passed, lesion = np.searchsorted(thresholds, p[candidate], side="right") - 1, truth[candidate] != 0
    true_positive = _at_least(passed[lesion])
    return PrecisionRecall(true_positive, _at_least(passed[~lesion]), int(np.count_nonzero(truth)) - true_positive)


def pool_precision_recall(cases: Sequence[PrecisionRecall]) -> PrecisionRecall:
    """The voxels of several cases together."""
    return PrecisionRecall(
        true_positive=np.sum([case.true_positive for case in cases], axis=0),
        false_positive=np.sum([case.false_positive for case in cases], axis=0),
        false_negative=np.sum([case.false_negative for case in cases], axis=0),
    )


def _at_least(passed: np.ndarray) -> np.ndarray:
    """For each threshold the number of voxels whose last passed threshold (its index) is not below it, (99,)."""
    return np.bincount(passed, minlength=THRESHOLDS.size)[::-1].cumsum()[::-1]


def _quotient(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return numerator / np.where(denominator > 0, denominator, np.nan)
