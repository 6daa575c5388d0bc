"""Dice semimetric: the Dice loss on binary labels, but minimal at P = S where labels are soft."""

from __future__ import annotations

from torch import Tensor

from MSSoftSegLib.training.losses.soft_dice import SMOOTHING_VOXELS
from MSSoftSegLib.training.losses.weighting import voxel_weight


def dice_semimetric(probability: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """ΣW|P − S| / (ΣWP + ΣWS) per sample (batch,), between 0 and 1; 0 exactly where P = S.

    On binary labels |P − S| = P + S − 2PS, so this is the Dice loss there.
    Source: Wang et al. 2023, arXiv:2303.16296, the first of its two losses, 1 − (‖P + S‖₁ − ‖P − S‖₁) / ‖P + S‖₁, with a
    constant added to the denominator as in soft Dice.
    """
    weight = voxel_weight(probability, target, weight)
    axes = tuple(range(1, probability.ndim))
    difference = (weight * (probability - target).abs()).sum(axes)
    return difference / ((weight * probability).sum(axes) + (weight * target).sum(axes) + SMOOTHING_VOXELS)
