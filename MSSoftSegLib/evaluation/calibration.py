"""Whether a probability of 0.7 means seven times out of ten."""

from __future__ import annotations

import numpy as np


def expected_calibration_error(probability: np.ndarray, truth: np.ndarray, *, bins: int = 15) -> float | None:
    """Σ_b n_b/n · |mean truth − mean probability| over equal-width bins; arrays of one shape, truth 0–1 (soft or binary).

    None for no voxels.
    """
    p, t = probability.ravel().astype(np.float64), truth.ravel().astype(np.float64)
    if p.size == 0:
        return None
    index = np.minimum((p * bins).astype(int), bins - 1)
    gap = np.bincount(index, weights=t - p, minlength=bins)
    return float(np.abs(gap).sum() / p.size)
