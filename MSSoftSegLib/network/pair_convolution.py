"""A 3×3×3 convolution of few channels, done on pairs of voxels.

Matrix units multiply 32 numbers by 16 at a time; a convolution of 3 or 8 channels leaves most of them idle. Two neighbors along
x, taken as one voxel of twice the channels, fill them better, and with channels lying last in memory such pairs are a view.
Half of the weights of the larger convolution are zeros, the others are those of the small one: the result is the same.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

# Beyond this the zeros cost more than the idle units did.
MOST_CHANNELS = 8


class PairConv3d(nn.Conv3d):
    """A 3×3×3 convolution with stride 1, zeros around the volume and no bias, on pairs where that is faster."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(batch, inputs, z, y, x) to (batch, outputs, z, y, x), same type as the computation's."""
        if not self._faster_in_pairs(features):
            return super().forward(features)
        with torch.autocast("cpu", enabled=False):
            weight = pair_weight(self.weight)
        return split_pairs(functional.conv3d(view_in_pairs(features), weight, padding=1))

    def _faster_in_pairs(self, features: Tensor) -> bool:
        computes_in_16_bits = features.dtype is torch.bfloat16 or torch.is_autocast_enabled("cpu")
        return (
            features.device.type == "cpu"
            and computes_in_16_bits
            and self.in_channels <= MOST_CHANNELS
            and features.shape[-1] % 2 == 0
            and features.is_contiguous(memory_format=torch.channels_last_3d)
        )


def view_in_pairs(features: Tensor) -> Tensor:
    """A view (batch, 2c, z, y, x/2) of features (batch, c, z, y, x) whose channels lie last: left voxel's, right voxel's."""
    batch, channels, depth, height, width = features.shape
    pairs = features.permute(0, 2, 3, 4, 1).reshape(batch, depth, height, width // 2, 2 * channels)
    return pairs.permute(0, 4, 1, 2, 3)


def split_pairs(pairs: Tensor) -> Tensor:
    """The inverse of view_in_pairs."""
    batch, channels, depth, height, width = pairs.shape
    voxels = pairs.permute(0, 2, 3, 4, 1).reshape(batch, depth, height, width * 2, channels // 2)
    return voxels.permute(0, 4, 1, 2, 3)


def pair_weight(weight: Tensor) -> Tensor:
    """The weights (2o, 2i, 3, 3, 3) between pairs that do what weights (o, i, 3, 3, 3) do between voxels.

    From the pair at distance d to this one: from its voxel q to voxel p here are 2d + q − p steps along x.
    """
    outputs, inputs = weight.shape[:2]
    wide = weight.new_zeros(2, outputs, 2, inputs, 3, 3, 3)
    for here in (0, 1):
        for there in (0, 1):
            for pair in (-1, 0, 1):
                steps = 2 * pair + there - here
                if abs(steps) <= 1:
                    wide[here, :, there, :, :, :, pair + 1] = weight[..., steps + 1]
    return wide.reshape(2 * outputs, 2 * inputs, 3, 3, 3)
