"""From logits to probabilities: the last activation, which training and inference share.

Normalized ReLU (SoftSeg, arXiv:2011.09041) divides by the largest response. Taken over a batch that would couple samples and
turn the noise of an empty patch into lesions; so the maximum is each sample's own, and it never counts for less than a floor.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from MSSoftSegLib.network.description import Activation


def probability(logits: Tensor, *, name: Activation, floor: float = 1.0, temperature: float = 1.0) -> Tensor:
    """Lesion probability, 0–1, of logits (batch, …); float32, or float64 where the logits are.

    sigmoid: of logit / temperature. normalized-relu: ``normalized_relu``; there the temperature divides the log-odds of its
    value, and 0 and 1 stay.
    """
    values = keep_full_precision(logits)
    if name == "sigmoid":
        return torch.sigmoid(values / temperature)
    if name != "normalized-relu":
        raise ValueError(f"unknown activation {name!r}")
    value = normalized_relu(values, floor=floor)
    return value if temperature == 1.0 else _tempered(value, temperature)


def normalized_relu(logits: Tensor, *, floor: float = 1.0) -> Tensor:
    """ReLU(x) / max(largest ReLU(x) of the sample, floor), 0–1, of logits (batch, …); in their own precision.

    The gradient flows through the maximum too: raising the strongest response lowers all others. At inference a whole volume
    is one sample. Source: Gros et al. 2021, SoftSeg (arXiv:2011.09041), whose maximum is the batch's and has no floor.
    """
    response = functional.relu(logits)
    largest = response.amax(dim=tuple(range(1, response.ndim)), keepdim=True)
    return response / largest.clamp(min=floor)


def keep_full_precision(values: Tensor) -> Tensor:
    """float32, except for float64, which stays; 16-bit logits would lose the sums that follow."""
    return values if values.dtype is torch.float64 else values.float()


def _tempered(value: Tensor, temperature: float) -> Tensor:
    """sigmoid(log-odds(value) / temperature), written so that 0 and 1 need no infinities."""
    lesion, background = value ** (1 / temperature), (1 - value) ** (1 / temperature)
    return lesion / (lesion + background)
