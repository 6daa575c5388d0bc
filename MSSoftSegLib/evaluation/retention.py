"""Retention: how the DSC rises when the least certain voxels are handed to a reader who knows the truth.

An uncertainty that points at the errors lifts the curve at once. Source: Malinin et al. 2022, arXiv:2206.15407 (Shifts 2.0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from MSSoftSegLib.evaluation.uncertainty_ranks import UncertaintyRanks, rank_errors

POINTS = 200
# Logarithms of 1…200, scaled to 0–1: dense at the end where only the least certain voxels are replaced.
RETAINED_FRACTIONS = np.log(np.arange(1, POINTS + 1)) / np.log(POINTS)


@dataclass(frozen=True)
class RetentionCurve:
    """DSC (200,) at each retained fraction (200,), 0–1 rising; r_aac = 1 − area under it, 0 is best."""

    fraction: np.ndarray
    dsc: np.ndarray

    @property
    def r_aac(self) -> float:
        """1 − area under the curve by the trapezoidal rule."""
        return 1.0 - float(np.trapezoid(self.dsc, self.fraction))


def retention_curve(uncertainty: np.ndarray, truth: np.ndarray, prediction: np.ndarray) -> RetentionCurve | None:
    """The curve of voxels (n,), those of the brain: any monotone uncertainty, truth and prediction as masks.

    None where the truth is empty: with everything replaced there is then no DSC.
    """
    return retention_curve_of(rank_errors(uncertainty, truth, prediction))


def retention_curve_of(ranks: UncertaintyRanks) -> RetentionCurve | None:
    """The curve of voxels that are ordered already.

    Voxels of equal uncertainty are replaced in equal shares (the expectation over all their orders), so that the order in
    which a file stores its voxels plays no part.
    """
    if ranks.true_voxels == 0:
        return None
    kept = RETAINED_FRACTIONS * ranks.voxels
    false_positive = _expected_kept(ranks.false_positive, kept)
    false_negative = _expected_kept(ranks.false_negative, kept)
    true_positive = ranks.true_voxels - false_negative
    dsc = 2 * true_positive / (2 * true_positive + false_positive + false_negative)
    return RetentionCurve(RETAINED_FRACTIONS, dsc)


def _expected_kept(places: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Expected number of wrong voxels (k, 2) among the first ``kept`` of the order; shape of ``kept``."""
    if len(places) == 0:
        return np.zeros_like(kept)
    groups, size = np.unique(places, axis=0, return_counts=True)
    after = np.cumsum(size)
    # Each group of equal uncertainty is a ramp from the place before it to the place after it.
    return np.interp(kept, groups.ravel(), np.stack([after - size, after], axis=1).ravel())
