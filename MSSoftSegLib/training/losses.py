"""Losses on soft labels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# One voxel of agreement in both sums: an empty patch has a finite loss and a gradient that lowers P.
SMOOTHING_VOXELS = 1.0


def soft_dice_loss(probability: Tensor, soft_label: Tensor) -> Tensor:
    """1 − 2ΣSP / (ΣP + ΣS) per sample, averaged; between 0 and 1, lower is better.

    probability P, soft_label S: float (batch, 1, z, y, x), 0–1.
    Source: Kats et al. 2019, arXiv:1901.09263, eq. 3, plus 1 and with a constant added to both sums.
    """
    axes = tuple(range(1, probability.ndim))
    agreement = 2 * (probability * soft_label).sum(axes) + SMOOTHING_VOXELS
    total = probability.sum(axes) + soft_label.sum(axes) + SMOOTHING_VOXELS
    return (1 - agreement / total).mean()


def soft_cross_entropy(logits: Tensor, soft_label: Tensor, *, inside: Tensor) -> Tensor:
    """Binary cross entropy against a soft label, mean over the voxels inside; minimal where P equals the label.

    logits, soft_label: float (batch, 1, z, y, x); inside: bool, same shape (the brain).
    """
    per_voxel = functional.binary_cross_entropy_with_logits(logits, soft_label, reduction="none")
    return (per_voxel * inside).sum() / inside.sum().clamp(min=1)


def starter_loss(logits: Tensor, soft_label: Tensor, *, inside: Tensor) -> Tensor:
    """Soft Dice for overlap plus cross entropy for calibration, in float32 whatever the network computed in."""
    logits = logits.float()
    overlap = soft_dice_loss(torch.sigmoid(logits) * inside, soft_label)
    return overlap + 5.0 * soft_cross_entropy(logits, soft_label, inside=inside)
