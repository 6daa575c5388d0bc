"""The running mean of the weights: smoother than the last step's, at no cost in training."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class WeightAverage:
    """Exponential moving average of a network's parameters and floating-point buffers.

    The decay grows from 0.1 towards ``decay`` over the first steps, so that the random beginning is forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self.network.requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after ``step`` (counted from 0)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        now = network.state_dict()
        for name, mean in self.network.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(now[name].to(mean.dtype), 1 - decay)
            else:
                mean.copy_(now[name])

    def state(self) -> dict[str, Tensor]:
        """The mean weights, for a checkpoint."""
        return self.network.state_dict()
