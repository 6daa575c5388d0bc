"""The loss of a recipe: its terms by their weights, on the probabilities of its activation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from MSSoftSegLib.network.activation import keep_full_precision, probability
from MSSoftSegLib.training.losses.adaptive_wing import adaptive_wing
from MSSoftSegLib.training.losses.cross_entropy import cross_entropy_from_logits, soft_cross_entropy
from MSSoftSegLib.training.losses.dice_semimetric import dice_semimetric
from MSSoftSegLib.training.losses.focal_tversky import focal_tversky
from MSSoftSegLib.training.losses.soft_dice import soft_dice_loss
from MSSoftSegLib.training.recipe import ActivationSettings, LossName, LossTerm

OF_PROBABILITY: dict[LossName, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "soft-dice": soft_dice_loss,
    "soft-bce": soft_cross_entropy,
    "dice-semimetric": dice_semimetric,
    "adaptive-wing": adaptive_wing,
    "focal-tversky": focal_tversky,
}


class RecipeLoss(nn.Module):
    """Called with logits, target and weight, gives one number; ``per_sample`` gives it for each sample of the batch.

    logits, target, weight: float (batch, 1, z, y, x) or (batch, 1, y, x); target 0–1; weight ≥ 0: 0 outside the brain, the
    confidence ω on pseudo-labels, 1 elsewhere. A weight scales voxels against each other within its sample; to scale whole
    samples (λ of pseudo-labels), weigh the results of ``per_sample``.
    """

    def __init__(self, terms: Sequence[LossTerm], activation: ActivationSettings) -> None:
        super().__init__()
        self.terms = tuple(terms)
        self.activation = activation

    def forward(self, logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """The mean over the samples."""
        return self.per_sample(logits, target, weight).mean()

    def per_sample(self, logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """The loss of each sample (batch,), in float32 whatever the network computed in (float64 stays)."""
        with torch.autocast(logits.device.type, enabled=False):
            logits = keep_full_precision(logits)
            target, weight = target.to(logits.dtype), weight.to(logits.dtype)
            lesion = probability(logits, name=self.activation.name, floor=self.activation.floor)
            losses = [term.weight * self._term(term.name, logits, lesion, target, weight) for term in self.terms]
            return torch.stack(losses).sum(dim=0)

    def _term(self, name: LossName, logits: Tensor, lesion: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        if name == "soft-bce" and self.activation.name == "sigmoid":
            return cross_entropy_from_logits(logits, target, weight)
        return OF_PROBABILITY[name](lesion, target, weight)
