"""The lesion network: a U-Net at half resolution with one convolution at full resolution.

Space-to-depth folds each 2×2×2 cube of voxels into channels, so the expensive convolutions run on an eighth of the voxels and
nothing is thrown away; the last convolution sees the original images again and draws the border at 1 mm.
Every normalisation takes its statistics from the image itself: running averages learned on one scanner fail on the next.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from MSSoftSegLib.network.normalization import NEGATIVE_SLOPE, SampleNorm
from MSSoftSegLib.network.window import window_overlap

FINE_CHANNELS = 8


class ThinSafeConv3d(nn.Conv3d):
    """A 3D convolution whose weights learn from features of two slices too.

    On processors, PyTorch 2.13 leaves part of the bfloat16 gradient of 3×3×3 weights uninitialized where the features have
    exactly two slices along z: random numbers, now and then not a number. Such features are convolved in float32.
    """

    def forward(self, features: Tensor) -> Tensor:
        """The convolution, same type as the computation's."""
        if features.shape[2] != 2 or features.device.type != "cpu":
            return super().forward(features)
        with torch.autocast("cpu", enabled=False):
            return super().forward(features.float()).to(features.dtype)


def make_convolution(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    """3×3×3 convolution, normalisation, leaky ReLU."""
    return nn.Sequential(
        ThinSafeConv3d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        SampleNorm(outputs, negative_slope=NEGATIVE_SLOPE),
    )


class LesionUNet(nn.Module):
    """Images (batch, channels, z, y, x) to one logit per voxel (batch, 1, z, y, x).

    widths: channels per level, the first at half resolution. Sides must be multiples of ``self.multiple``. overlap: share of a
    window that its neighbor sees too.
    """

    overlap = window_overlap("lesion-unet")

    def __init__(self, *, input_channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.multiple = 2 ** len(widths)
        self.encoder = nn.ModuleList()
        channels = input_channels * 8
        for level, width in enumerate(widths):
            first = make_convolution(channels, width, stride=1 if level == 0 else 2)
            self.encoder.append(nn.Sequential(first, make_convolution(width, width)))
            channels = width
        self.up = nn.ModuleList()
        self.decoder = nn.ModuleList()
        for width in reversed(widths[:-1]):
            self.up.append(nn.ConvTranspose3d(channels, width, 2, stride=2))
            self.decoder.append(make_convolution(2 * width, width))
            channels = width
        self.unfold = nn.Conv3d(channels, FINE_CHANNELS * 8, 1)
        self.head = nn.Conv3d(FINE_CHANNELS + input_channels, 1, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Lesion logits, same type as the computation's (bfloat16 under autocast)."""
        skips: list[Tensor] = []
        features = space_to_depth(images)
        for stage in self.encoder:
            features = stage(features)
            skips.append(features)
        for up, stage, skip in zip(self.up, self.decoder, reversed(skips[:-1]), strict=True):
            features = stage(torch.cat([up(features), skip], dim=1))
        fine = depth_to_space(self.unfold(features))
        return self.head(torch.cat([fine, images.to(fine.dtype)], dim=1))


def space_to_depth(images: Tensor) -> Tensor:
    """(batch, c, z, y, x) to (batch, 8c, z/2, y/2, x/2) without losing a voxel."""
    batch, channels, depth, height, width = images.shape
    cubes = images.view(batch, channels, depth // 2, 2, height // 2, 2, width // 2, 2)
    folded = cubes.permute(0, 1, 3, 5, 7, 2, 4, 6).reshape(batch, channels * 8, depth // 2, height // 2, width // 2)
    return folded.contiguous(memory_format=torch.channels_last_3d)


def depth_to_space(features: Tensor) -> Tensor:
    """The inverse of space_to_depth."""
    batch, channels, depth, height, width = features.shape
    cubes = features.view(batch, channels // 8, 2, 2, 2, depth, height, width)
    unfolded = cubes.permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(batch, channels // 8, depth * 2, height * 2, width * 2)
    return unfolded.contiguous(memory_format=torch.channels_last_3d)
