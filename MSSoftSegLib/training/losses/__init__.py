"""Losses on soft labels, one file each; ``weighted_sum`` makes a recipe's loss of them. The package gives the five of them.

Every loss is computed per sample from probability P, soft target S and weight W, all float (batch, 1, z, y, x) or
(batch, 1, y, x), and gives (batch,): its ``.mean()`` is what is minimized. P and S lie in 0–1. W ≥ 0 multiplies a voxel's
contribution: 0 outside the brain, the confidence ω on pseudo-labels, 1 elsewhere and where no W is given; a sample whose
weights are all 0 has the loss 0. P and S of different shapes are a ValueError. The type of the input is kept (float64 for
checks of gradients).

What each is minimal at, its equation and its publication stand in its docstring and in Docs/methods.md section 2.
"""

from MSSoftSegLib.training.losses.adaptive_wing import adaptive_wing
from MSSoftSegLib.training.losses.cross_entropy import soft_cross_entropy
from MSSoftSegLib.training.losses.dice_semimetric import dice_semimetric
from MSSoftSegLib.training.losses.focal_tversky import focal_tversky
from MSSoftSegLib.training.losses.soft_dice import soft_dice_loss

__all__ = ["adaptive_wing", "dice_semimetric", "focal_tversky", "soft_cross_entropy", "soft_dice_loss"]
