"""Binary cross entropy against a soft label: a proper loss, minimal where the probability equals the label."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from MSSoftSegLib.training.losses.weighting import voxel_weight, weighted_mean

# Probabilities of exactly 0 or 1 (normalized ReLU gives both) are drawn in by this much: the loss and its gradient stay
# finite, and a wrong 0 or 1 still feels a pull, which cutting the value off would take from it.
SHRINKAGE = 1e-4


def cross_entropy_from_logits(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean cross entropy in nats of sigmoid(logits), per sample (batch,); stable for large logits."""
    return weighted_mean(functional.binary_cross_entropy_with_logits(logits, target, reduction="none"), weight)


def soft_cross_entropy(probability: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Weighted mean cross entropy in nats of probabilities of whatever activation, per sample (batch,)."""
    weight = voxel_weight(probability, target, weight)
    inner = SHRINKAGE + (1 - 2 * SHRINKAGE) * probability
    return weighted_mean(-(target * torch.log(inner) + (1 - target) * torch.log1p(-inner)), weight)
