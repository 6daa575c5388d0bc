"""The 2D U-Net of Kats et al. 2019 (arXiv:1901.09263): slices in, one logit per pixel out.

3×3 convolutions with ReLU, 2×2 max-pooling, 2×2 transposed convolutions. Their widths are only in a figure; recipes state ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from MSSoftSegLib.network.slices import SliceNetwork

Norm = Literal["none", "batch"]


class UNet2D(SliceNetwork):
    """widths: channels per level, the first at full resolution. norm: none, or batch normalization after each 3×3 convolution.
    dropout: chance that a channel of a level's last convolution is blanked in training."""

    def __init__(
        self, *, input_channels: int, widths: Sequence[int], norm: Norm = "none", dropout: float = 0.0
    ) -> None:
        super().__init__(multiple=2 ** (len(widths) - 1))
        # Peak of a group of slices in use, with room to spare: measured 33 per map of the first level in float32.
        self.bytes_per_voxel = 45 * widths[0]
        self.pool = nn.MaxPool2d(2)
        self.encoder = nn.ModuleList()
        channels = input_channels
        for width in widths:
            self.encoder.append(_level(channels, width, norm, dropout))
            channels = width
        self.up = nn.ModuleList()
        self.decoder = nn.ModuleList()
        for width in reversed(widths[:-1]):
            self.up.append(nn.ConvTranspose2d(channels, width, 2, stride=2))
            self.decoder.append(_level(2 * width, width, norm, dropout))
            channels = width
        self.head = nn.Conv2d(channels, 1, 1)
        self.apply(_start)

    def slice_logits(self, images: Tensor) -> Tensor:
        """Logits (batch, 1, y, x) of images (batch, c, y, x) whose sides are multiples of ``multiple``."""
        features = self.encoder[0](images)
        skips = []
        for stage in self.encoder[1:]:
            skips.append(features)
            features = stage(self.pool(features))
        for up, stage, skip in zip(self.up, self.decoder, reversed(skips), strict=True):
            features = stage(torch.cat([up(features), skip], dim=1))
        return self.head(features)


def _level(inputs: int, outputs: int, norm: Norm, dropout: float) -> nn.Sequential:
    level = nn.Sequential(*_convolution(inputs, outputs, norm), *_convolution(outputs, outputs, norm))
    if dropout:
        level.append(nn.Dropout2d(dropout))
    return level


def _convolution(inputs: int, outputs: int, norm: Norm) -> list[nn.Module]:
    plain = norm == "none"
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=plain)
    between = [] if plain else [nn.BatchNorm2d(outputs)]
    return [convolution, *between, nn.ReLU(inplace=True)]


def _start(module: nn.Module) -> None:
    """Weights that keep the variance through ReLUs (He et al. 2015): without normalization nothing else would."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
