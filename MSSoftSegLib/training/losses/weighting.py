"""What each voxel counts in a loss: one rule for all of them."""

from __future__ import annotations

import torch
from torch import Tensor


def voxel_weight(probability: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
    """The weight, 1 everywhere where none is given. ValueError where probability and target differ in shape: they would be
    broadcast without a word."""
    if probability.shape != target.shape:
        raise ValueError(f"probability {tuple(probability.shape)} and target {tuple(target.shape)} differ in shape")
    return torch.ones_like(probability) if weight is None else weight


def weighted_mean(per_voxel: Tensor, weight: Tensor) -> Tensor:
    """ΣWℓ / ΣW per sample (batch,); 0 where no voxel has weight."""
    axes = tuple(range(1, per_voxel.ndim))
    total = weight.expand_as(per_voxel).sum(axes)
    return (per_voxel * weight).sum(axes) / torch.where(total > 0, total, torch.ones_like(total))
