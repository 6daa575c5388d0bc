"""Losses on soft labels, one file each; ``weighted_sum`` makes a recipe's loss of them.

Every loss is computed per sample from probability P, soft target S and weight W, all float (batch, 1, z, y, x) or
(batch, 1, y, x), and gives (batch,). W ≥ 0 multiplies a voxel's contribution: 0 outside the brain, the confidence ω on
pseudo-labels, 1 elsewhere; a sample whose weights are all 0 has the loss 0. The type of the input is kept (float64 for
checks of gradients).
"""

from MSSoftSegLib.training.losses.cross_entropy import soft_cross_entropy
from MSSoftSegLib.training.losses.soft_dice import soft_dice_loss

__all__ = ["soft_cross_entropy", "soft_dice_loss"]
