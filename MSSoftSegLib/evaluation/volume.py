"""Lesion volumes: how far off in one patient, and whether they agree over many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from MSSoftSegLib.exam.units import MM3_PER_ML

# Share of a normal distribution within this many standard deviations: 95 % (Bland and Altman 1986).
LIMIT_IN_SD = 1.96
# Beyond this a spread is rounding of equal numbers.
EQUAL_TOLERANCE = 1e-12


def volume_ml(mask: np.ndarray, *, spacing_mm: Sequence[float]) -> float:
    """Volume of a mask's non-zero voxels."""
    return float(np.count_nonzero(mask) * np.prod(spacing_mm) / MM3_PER_ML)


def absolute_volume_difference_ml(truth: np.ndarray, prediction: np.ndarray, *, spacing_mm: Sequence[float]) -> float:
    """|V(prediction) − V(truth)|; always defined."""
    return abs(volume_ml(prediction, spacing_mm=spacing_mm) - volume_ml(truth, spacing_mm=spacing_mm))


def volume_correlation(truth_ml: Sequence[float], predicted_ml: Sequence[float]) -> float | None:
    """VC: Pearson's r of the volumes over cases, −1 to 1; None for fewer than two cases or where one side never varies."""
    t, p = np.asarray(truth_ml, dtype=float), np.asarray(predicted_ml, dtype=float)
    if t.shape != p.shape:
        raise ValueError(f"{t.size} true volumes and {p.size} predicted ones")
    if t.size < 2:
        return None
    t_off, p_off = t - t.mean(), p - p.mean()
    t_norm, p_norm = float(np.linalg.norm(t_off)), float(np.linalg.norm(p_off))
    if t_norm <= EQUAL_TOLERANCE * np.linalg.norm(t) or p_norm <= EQUAL_TOLERANCE * np.linalg.norm(p):
        return None
    return float(np.clip((t_off / t_norm) @ (p_off / p_norm), -1.0, 1.0))


@dataclass(frozen=True)
class BlandAltman:
    """Differences predicted − true over n cases, in ml: mean (bias), SD (n − 1), and bias ± 1.96 SD.

    bias is None without cases, the others with fewer than two. Source: Bland and Altman, Lancet 1986.
    """

    n: int
    bias_ml: float | None
    sd_ml: float | None
    lower_ml: float | None
    upper_ml: float | None


def bland_altman(truth_ml: Sequence[float], predicted_ml: Sequence[float]) -> BlandAltman:
    """Bias and limits of agreement of the predicted volumes."""
    difference = np.asarray(predicted_ml, dtype=float) - np.asarray(truth_ml, dtype=float)
    if difference.size == 0:
        return BlandAltman(0, None, None, None, None)
    bias = float(difference.mean())
    if difference.size == 1:
        return BlandAltman(1, bias, None, None, None)
    sd = float(difference.std(ddof=1))
    return BlandAltman(difference.size, bias, sd, bias - LIMIT_IN_SD * sd, bias + LIMIT_IN_SD * sd)
