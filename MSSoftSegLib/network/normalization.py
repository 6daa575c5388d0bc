"""Instance normalization and the leaky ReLU that follows it, as one layer."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

NEGATIVE_SLOPE = 0.01
# Channels that are summed side by side: a multiple of every processor's registers, few enough for its first cache.
ROW = 4096
# A sum of float32 loses the addends' last digits the longer it is: sums of so many are exact to 1e-4 whatever they hold.
LONGEST_SUM = 8192


class SampleNorm(nn.Module):
    """Each channel of each sample gets mean 0 and variance 1 over its volume, then scale and shift, then the activation.

    Input and output: (batch, channels, z, y, x), same type. negative_slope: of the leaky ReLU; None = no activation. In training
    and on graphics cards it is a batch normalization of one sample, which keeps the channels-last layout and is several times
    faster on processors than ``nn.InstanceNorm3d``. In use on processors neighbors are normalized side by side
    (normalize_in_rows): sooner again, and exact on any number of threads.
    """

    eps = 1e-5

    def __init__(self, channels: int, *, negative_slope: float | None = None) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, features: Tensor) -> Tensor:
        """Normalized features, same shape and type."""
        each = [self._normalized(sample) for sample in features.split(1)]
        return self.activated(each[0] if len(each) == 1 else torch.cat(each))

    def _normalized(self, sample: Tensor) -> Tensor:
        if fits_rows(sample):
            return normalize_in_rows(sample, self.weight, self.bias, eps=self.eps)
        return functional.batch_norm(sample, None, None, self.weight, self.bias, training=True, eps=self.eps)

    def activated(self, normalized: Tensor) -> Tensor:
        """The leaky ReLU, in place, if there is one."""
        if self.negative_slope is None:
            return normalized
        return functional.leaky_relu(normalized, self.negative_slope, inplace=True)


def fits_rows(sample: Tensor) -> bool:
    """Whether this is in use, on a processor, with its channels lying last in memory."""
    return (
        sample.device.type == "cpu"
        and sample.dtype in (torch.float32, torch.bfloat16)
        and not torch.is_grad_enabled()
        and sample.is_contiguous(memory_format=torch.channels_last_3d)
    )


def normalize_in_rows(sample: Tensor, weight: Tensor, bias: Tensor, *, eps: float) -> Tensor:
    """(1, channels, z, y, x), channels last in memory, with mean 0 and variance 1, then scale and shift; same type.

    A row holds the channels of many neighboring voxels, as a view. PyTorch's batch normalization, given rows, fills whole
    registers where few channels would not; and its sums over a column are short: one sum over a brain, in float32, is off by
    percents where many voxels are alike, and by how much depends on the threads that share it.
    """
    channels, count = sample.shape[1], sample[0, 0].numel()
    together = math.gcd(count, max(1, 2 ** int(math.log2(ROW / channels))))
    rows = sample.permute(0, 2, 3, 4, 1).reshape(-1, together * channels)
    mean, variance = moments(rows, channels)
    middle, spread, scale, shift = (each.float().repeat(together) for each in (mean, variance, weight, bias))
    normalized = functional.batch_norm(rows, middle, spread, scale, shift, training=False, eps=eps)
    return normalized.reshape(1, *sample.shape[2:], channels).permute(0, 4, 1, 2, 3)


def moments(rows: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Mean and variance of each channel, float64, from rows that repeat the channels: those of columns and parts, pooled."""
    means, variances, counts = [], [], []
    for part in rows.split(LONGEST_SUM):
        # The running statistics only tell it to sum in float32.
        kept = torch.zeros(part.shape[1])
        mean, variance = torch.batch_norm_update_stats(part, kept, kept.clone(), 0.0)
        means.append(mean.double().view(-1, channels))
        variances.append(variance.double().view(-1, channels))
        counts.append(torch.full_like(means[-1], len(part)))
    each, spread, count = torch.cat(means), torch.cat(variances), torch.cat(counts)
    share = count / count.sum(0)
    middle = (each * share).sum(0)
    return middle, ((spread + (each - middle).square()) * share).sum(0)
