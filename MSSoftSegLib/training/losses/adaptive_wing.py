"""Adaptive Wing: the regression loss of SoftSeg. Minimal at P = S, and steep about it where S is large."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from MSSoftSegLib.training.losses.weighting import voxel_weight, weighted_mean

THETA, ALPHA, OMEGA, EPSILON = 0.5, 2.1, 14.0, 1.0
EXTRA_WEIGHT = 10.0
DILATED_FROM = 0.2


def adaptive_wing(probability: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Weighted mean over voxels of the wing times the map of ``lesion_weight``, per sample (batch,).

    The map is no part of the mean's denominator. Source: Wang et al. 2019, arXiv:1904.07399 (constants as SoftSeg's).
    """
    weight = voxel_weight(probability, target, weight)
    return weighted_mean(wing(probability, target) * lesion_weight(target), weight)


def wing(probability: Tensor, target: Tensor) -> Tensor:
    """The loss of each voxel, d = |S − P|: ω·ln(1 + (d/ε)^(α−S)) below θ, A·d − C from there on, where both join."""
    distance = (target - probability).abs()
    power = ALPHA - target
    at_theta = (THETA / EPSILON) ** power
    slope = OMEGA / (1 + at_theta) * power * (THETA / EPSILON) ** (power - 1) / EPSILON
    offset = THETA * slope - OMEGA * torch.log1p(at_theta)
    curved = OMEGA * torch.log1p((distance / EPSILON) ** power)
    return torch.where(distance < THETA, curved, slope * distance - offset)


def lesion_weight(target: Tensor) -> Tensor:
    """1 + 10 where the target dilated by one voxel (3×3×3, in slices 3×3) is at least 0.2, else 1; same shape."""
    pool = functional.max_pool2d if target.ndim == 4 else functional.max_pool3d
    return 1 + EXTRA_WEIGHT * (pool(target, 3, stride=1, padding=1) >= DILATED_FROM).to(target.dtype)
