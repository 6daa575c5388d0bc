"""Whether a high entropy marks a wrong voxel (claim C12): the area under the ROC curve, by ranks."""

from __future__ import annotations

import numpy as np

from MSSoftSegLib.evaluation.uncertainty_ranks import UncertaintyRanks, rank_errors


def error_auroc(uncertainty: np.ndarray, truth: np.ndarray, prediction: np.ndarray) -> float | None:
    """Probability that a wrong voxel is more uncertain than a right one, ties counting half; 0.5 is chance, 0–1.

    Voxels (n,): uncertainty in any monotone unit, truth and prediction as masks. None where no voxel is wrong, or none right.
    Inside a whole brain it is close to 1 for any entropy, as most voxels are certain and right: read it together with the
    value near lesions.
    """
    return error_auroc_of(rank_errors(uncertainty, truth, prediction))


def error_auroc_of(ranks: UncertaintyRanks) -> float | None:
    """The same of voxels that are ordered already: Mann and Whitney's U ÷ (wrong · right), from mid-ranks."""
    places = np.concatenate([ranks.false_positive, ranks.false_negative]).astype(np.float64)
    wrong = len(places)
    right = ranks.voxels - wrong
    if wrong == 0 or right == 0:
        return None
    mid_rank = (places[:, 0] + places[:, 1] + 1) / 2
    u = float(mid_rank.sum()) - wrong * (wrong + 1) / 2
    return u / (wrong * right)
