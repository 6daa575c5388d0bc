"""nnU-Net's 3D full-resolution network, in the shape of MONAI's DynUNet: its weights fit, by name.

What differs is how it computes. Normalization and activation are one layer (normalization.py), convolutions of few channels work
on pairs of voxels (pair_convolution.py): the same numbers, sooner on processors. And the decoder hands its
outputs on instead of leaving them in a list on the module, so each weight has one name.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from MSSoftSegLib.network.normalization import NEGATIVE_SLOPE, SampleNorm
from MSSoftSegLib.network.padding import crop, pad
from MSSoftSegLib.network.pair_convolution import PairConv3d


class DynUNet(nn.Module):
    """Images (batch, channels, z, y, x) of any size to one logit per voxel (batch, 1, z, y, x).

    filters: channels per level, the first at full resolution, each further level at half the grid. deep_supervision: in
    training, a tuple of such logits, the finest first; the coarser ones are interpolated to the full grid, so that all are
    compared with one target. In evaluation always one tensor.
    """

    memory_format = torch.channels_last_3d

    def __init__(self, *, input_channels: int, filters: Sequence[int], deep_supervision: bool = True) -> None:
        super().__init__()
        self.multiple = 2 ** (len(filters) - 1)
        # The statistics of a single voxel are none, and two slices are too few (ThinSafeConv3d): the coarsest level keeps
        # at least 3×3×3.
        self.at_least = 3 * self.multiple
        # Peak of a pass in use, with room to spare: measured 17 per map of the first level in float32, 9 in bfloat16.
        self.bytes_per_voxel = max(25 * filters[0], 250)
        self.deep_supervision = deep_supervision
        self.input_block = _Block(input_channels, filters[0], 1)
        steps = list(pairwise(filters))
        self.downsamples = nn.ModuleList(_Block(fine, coarse, 2) for fine, coarse in steps[:-1])
        self.bottleneck = _Block(*steps[-1], 2)
        self.upsamples = nn.ModuleList(_UpBlock(coarse, fine) for fine, coarse in reversed(steps))
        self.output_block = _OutBlock(filters[0])
        # nnU-Net supervises all but the two coarsest outputs of the decoder.
        heads = max(len(filters) - 3, 1) if deep_supervision else 0
        self.deep_supervision_heads = nn.ModuleList(_OutBlock(filters[level + 1]) for level in range(heads))
        self.apply(_start)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Lesion logits on the grid of the images, same type as the computation's (bfloat16 under autocast)."""
        features = self.input_block(pad(images, multiple=self.multiple, at_least=self.at_least))
        skips = []
        for down in (*self.downsamples, self.bottleneck):
            skips.append(features)
            features = down(features)
        decoded = []
        for up in self.upsamples:
            features = up(features, skips.pop())
            decoded.append(features)
        finest = self.output_block(features)
        if not (self.training and self.deep_supervision):
            return crop(finest, images)
        coarser = [head(level) for head, level in zip(self.deep_supervision_heads, decoded[-2::-1], strict=False)]
        full_size = finest.shape[2:]
        enlarged = [functional.interpolate(each.float(), full_size, mode="trilinear") for each in coarser]
        return tuple(crop(each, images) for each in (finest, *enlarged))


class _Block(nn.Module):
    """Two convolutions, each normalized and activated; the first may halve the grid."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        first = PairConv3d(inputs, outputs) if stride == 1 else nn.Conv3d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv1 = _named(first)
        self.conv2 = _named(PairConv3d(outputs, outputs))
        self.norm1 = SampleNorm(outputs, negative_slope=NEGATIVE_SLOPE)
        self.norm2 = SampleNorm(outputs, negative_slope=NEGATIVE_SLOPE)

    def forward(self, features: Tensor) -> Tensor:
        return self.norm2(self.conv2(self.norm1(self.conv1(features))))


class _UpBlock(nn.Module):
    """Features of twice the grid beside those of the encoder, and a block on both."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.transp_conv = _named(nn.ConvTranspose3d(inputs, outputs, 2, stride=2, bias=False))
        self.conv_block = _Block(2 * outputs, outputs, 1)

    def forward(self, features: Tensor, skip: Tensor) -> Tensor:
        return self.conv_block(torch.cat((self.transp_conv(features), skip), dim=1))


class _OutBlock(nn.Module):
    """One logit per voxel."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.conv = _named(nn.Conv3d(inputs, 1, 1))

    def forward(self, features: Tensor) -> Tensor:
        return self.conv(features)


def _named(layer: nn.Module) -> nn.Sequential:
    """The layer under the name that it has in MONAI's blocks."""
    return nn.Sequential(OrderedDict(conv=layer))


def _start(module: nn.Module) -> None:
    """Kaiming weights for leaky ReLUs, as nnU-Net starts."""
    if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
        nn.init.kaiming_normal_(module.weight, a=NEGATIVE_SLOPE)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
