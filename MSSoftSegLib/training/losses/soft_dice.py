"""Soft Dice: overlap with a soft label.

Its optimum is binary (Docs/methods.md section 2): P → 1 where the label exceeds half the Dice, else 0. It thresholds, it does
not calibrate.
"""

from __future__ import annotations

from torch import Tensor

from MSSoftSegLib.training.losses.weighting import voxel_weight

# One voxel of agreement in both sums: an empty patch has a finite loss and a gradient that lowers P.
SMOOTHING_VOXELS = 1.0


def soft_dice_loss(probability: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """1 − 2ΣWSP / (ΣWP + ΣWS) per sample (batch,), between 0 and 1, lower is better.

    Source: Kats et al. 2019, arXiv:1901.09263, eq. 3, plus 1 and with a constant added to both sums.
    """
    weight = voxel_weight(probability, target, weight)
    axes = tuple(range(1, probability.ndim))
    agreement = 2 * (weight * probability * target).sum(axes) + SMOOTHING_VOXELS
    total = (weight * probability).sum(axes) + (weight * target).sum(axes) + SMOOTHING_VOXELS
    return 1 - agreement / total
