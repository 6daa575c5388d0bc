"""Voxel overlap. Two empty masks have no overlap to measure: None, left out of every n (Docs/methods.md section 6)."""

from __future__ import annotations

import numpy as np


def dice(first: np.ndarray, second: np.ndarray) -> float | None:
    """DSC = 2|A∩B| / (|A| + |B|) of two masks (non-zero = inside) of one shape, 0–1; None when both are empty."""
    _check_shapes(first, second)
    a, b = first != 0, second != 0
    total = int(a.sum()) + int(b.sum())
    return None if total == 0 else 2.0 * int((a & b).sum()) / total


def soft_dice(first: np.ndarray, second: np.ndarray) -> float | None:
    """2ΣPS / (ΣP + ΣS) of two maps with values 0–1 and one shape; None when both are zero. Source: Kats 2019, eq. 3."""
    _check_shapes(first, second)
    p, s = first.astype(np.float64), second.astype(np.float64)
    total = float(p.sum() + s.sum())
    return None if total == 0 else 2.0 * float((p * s).sum()) / total


def positive_predictive_value(truth: np.ndarray, prediction: np.ndarray) -> float | None:
    """PPV (precision) = |T∩P| / |P| of two masks of one shape, 0–1; None where nothing is predicted."""
    _check_shapes(truth, prediction)
    predicted = int(np.count_nonzero(prediction))
    return int(((truth != 0) & (prediction != 0)).sum()) / predicted if predicted else None


def true_positive_rate(truth: np.ndarray, prediction: np.ndarray) -> float | None:
    """TPR (recall, sensitivity) = |T∩P| / |T| of two masks of one shape, 0–1; None where the truth is empty."""
    return positive_predictive_value(prediction, truth)


def _check_shapes(first: np.ndarray, second: np.ndarray) -> None:
    if first.shape != second.shape:
        raise ValueError(f"shapes differ: {first.shape} and {second.shape}")
