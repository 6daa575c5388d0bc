"""Soft Dice: overlap with a soft label.

Its optimum is binary (Docs/methods.md section 2): P → 1 where the label exceeds half the Dice, else 0. It thresholds, it does
not calibrate.
"""

from __future__ import annotations

from torch import Tensor

# One voxel of agreement in both sums: an empty patch has a finite loss and a gradient that lowers P.
SMOOTHING_VOXELS = 1.0


def soft_dice(probability: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """1 − 2ΣWSP / (ΣWP + ΣWS) per sample (batch,), between 0 and 1, lower is better.

    Source: Kats et al. 2019, arXiv:1901.09263, eq. 3, plus 1 and with a constant added to both sums.
    """
    axes = tuple(range(1, probability.ndim))
    agreement = 2 * (weight * probability * target).sum(axes) + SMOOTHING_VOXELS
    total = (weight * probability).sum(axes) + (weight * target).sum(axes) + SMOOTHING_VOXELS
    return 1 - agreement / total


def soft_dice_loss(probability: Tensor, soft_label: Tensor) -> Tensor:
    """Soft Dice of whole samples, averaged over them; a number between 0 and 1."""
    return soft_dice(probability, soft_label, probability.new_ones(())).mean()
