"""The loss that the starter model was trained with."""

from __future__ import annotations

import torch
from torch import Tensor

from MSSoftSegLib.training.losses.cross_entropy import soft_cross_entropy
from MSSoftSegLib.training.losses.soft_dice import soft_dice_loss


def starter_loss(logits: Tensor, soft_label: Tensor, *, inside: Tensor) -> Tensor:
    """Soft Dice for overlap plus cross entropy for calibration, in float32 whatever the network computed in."""
    logits = logits.float()
    overlap = soft_dice_loss(torch.sigmoid(logits) * inside, soft_label)
    return overlap + 5.0 * soft_cross_entropy(logits, soft_label, inside=inside)
