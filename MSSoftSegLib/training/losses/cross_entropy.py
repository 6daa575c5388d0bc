"""Binary cross entropy against a soft label: a proper loss, minimal where the probability equals the label."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# Probabilities of exactly 0 or 1 (normalized ReLU gives both) are drawn in by this much: the loss and its gradient stay
# finite, and a wrong 0 or 1 still feels a pull, which cutting the value off would take from it.
SHRINKAGE = 1e-4


def cross_entropy_from_logits(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean cross entropy in nats of sigmoid(logits), per sample (batch,); stable for large logits."""
    return weighted_mean(functional.binary_cross_entropy_with_logits(logits, target, reduction="none"), weight)


def cross_entropy_from_probability(probability: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean cross entropy in nats of probabilities of whatever activation, per sample (batch,)."""
    inner = SHRINKAGE + (1 - 2 * SHRINKAGE) * probability
    return weighted_mean(-(target * torch.log(inner) + (1 - target) * torch.log1p(-inner)), weight)


def weighted_mean(per_voxel: Tensor, weight: Tensor) -> Tensor:
    """ΣWℓ / ΣW per sample (batch,); 0 where no voxel has weight."""
    axes = tuple(range(1, per_voxel.ndim))
    total = weight.expand_as(per_voxel).sum(axes)
    return (per_voxel * weight).sum(axes) / torch.where(total > 0, total, torch.ones_like(total))


def soft_cross_entropy(logits: Tensor, soft_label: Tensor, *, inside: Tensor) -> Tensor:
    """Cross entropy against a soft label, mean over all the voxels inside; minimal where P equals the label.

    logits, soft_label: float, any shape; inside: bool, same shape (the brain).
    """
    per_voxel = functional.binary_cross_entropy_with_logits(logits, soft_label, reduction="none")
    return (per_voxel * inside).sum() / inside.sum().clamp(min=1)
