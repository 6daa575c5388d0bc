"""Deep supervision: coarser heads of a network learn too, each with half the weight of the next finer one (nnU-Net)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from MSSoftSegLib.training.losses.weighted_sum import RecipeLoss

HEAD_DECAY = 0.5


def deep_supervision_loss(
    outputs: Tensor | tuple[Tensor, ...], label: Tensor, weight: Tensor, sample_weight: Tensor, criterion: RecipeLoss
) -> Tensor:
    """The loss of one output, or the weighted mean over several heads, finest first.

    label, weight: (batch, 1, …); sample_weight: (batch,), λ for pseudo-labelled samples and 1 for others
    (Docs/methods.md section 4). A head at a lower resolution is compared with the label averaged over its voxels: still soft,
    never sampled.
    """
    heads = (outputs,) if isinstance(outputs, Tensor) else outputs
    total, weights = label.new_zeros(()), 0.0
    for number, logits in enumerate(heads):
        share = HEAD_DECAY**number
        losses = criterion.per_sample(logits, _like(label, logits), _like(weight, logits))
        total = total + share * (losses * sample_weight).mean()
        weights += share
    return total / weights


def _like(values: Tensor, logits: Tensor) -> Tensor:
    if values.shape[2:] == logits.shape[2:]:
        return values
    pool = functional.adaptive_avg_pool3d if values.ndim == 5 else functional.adaptive_avg_pool2d
    return pool(values, tuple(logits.shape[2:]))  # type: ignore[arg-type]
