"""Focal Tversky: a missed lesion voxel costs more than an invented one, and hard samples weigh more.

Its optimum is binary as soft Dice's is: P → 1 where the label exceeds 0.3 of the Tversky index.
"""

from __future__ import annotations

from torch import Tensor

from MSSoftSegLib.training.losses.soft_dice import SMOOTHING_VOXELS
from MSSoftSegLib.training.losses.weighting import voxel_weight

MISSED, INVENTED = 0.7, 0.3
EXPONENT = 0.75  # 1/γ with the published γ = 4/3
# The power's slope is infinite at a perfect answer.
SMALLEST_DISAGREEMENT = 1e-6


def focal_tversky(probability: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """(1 − TI)^0.75 per sample (batch,), between 0 and 1. Source: Abraham and Khan 2018, arXiv:1810.07842, eq. 5."""
    weight = voxel_weight(probability, target, weight)
    disagreement = (1 - tversky_index(probability, target, weight)).clamp(min=SMALLEST_DISAGREEMENT)
    return disagreement**EXPONENT - SMALLEST_DISAGREEMENT**EXPONENT


def tversky_index(probability: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """ΣPS / (ΣPS + 0.7·Σ(1−P)S + 0.3·ΣP(1−S)), all weighted, with a constant in both; per sample (batch,), 0–1."""
    axes = tuple(range(1, probability.ndim))
    hit = (weight * probability * target).sum(axes)
    missed = (weight * (1 - probability) * target).sum(axes)
    invented = (weight * probability * (1 - target)).sum(axes)
    return (hit + SMOOTHING_VOXELS) / (hit + MISSED * missed + INVENTED * invented + SMOOTHING_VOXELS)
