"""Where wrong voxels stand when all voxels are ordered by uncertainty: sorted once, used by retention and error detection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class UncertaintyRanks:
    """All n voxels by rising uncertainty; for the wrong ones, the places that their value takes up in that order.

    Voxels of one value stand in no order among themselves. false_positive, false_negative: (k, 2), for each such voxel the
    number of voxels below its value and of those not above it. true_voxels: voxels of the truth among the n.
    """

    voxels: int
    true_voxels: int
    false_positive: np.ndarray
    false_negative: np.ndarray


def rank_errors(uncertainty: np.ndarray, truth: np.ndarray, prediction: np.ndarray) -> UncertaintyRanks:
    """Order voxels, (n,) each: uncertainty in any monotone unit, finite; truth and prediction as masks."""
    t, p = truth != 0, prediction != 0
    if not uncertainty.shape == t.shape == p.shape:
        raise ValueError(f"shapes differ: {uncertainty.shape}, {t.shape} and {p.shape}")
    ordered = np.sort(uncertainty, axis=None)

    def places(wrong: np.ndarray) -> np.ndarray:
        values = uncertainty[wrong]
        return np.stack(
            [np.searchsorted(ordered, values, side="left"), np.searchsorted(ordered, values, side="right")], axis=1
        )

    return UncertaintyRanks(ordered.size, int(t.sum()), places(p & ~t), places(t & ~p))
