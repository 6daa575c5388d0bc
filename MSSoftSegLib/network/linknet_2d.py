"""Groza's 2D LinkNet: a slim decoder on an SE-ResNeXt-50 encoder, joined by addition.

Encoder: MONAI's, with random weights (nothing is downloaded). Decoder block: convolution, upsampling, convolution, each with
batch normalization and ReLU (Groza et al. 2020); kernel sizes as in LinkNet (Chaurasia and Culurciello 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from monai.networks.nets.senet import SENet
from torch import Tensor, nn

from MSSoftSegLib.network.slices import SliceNetwork

# Channels of SE-ResNeXt's stem (half resolution) and of its four stages (a quarter to a thirty-second).
STEM, STAGES = 64, (256, 512, 1024, 2048)
FINE_CHANNELS = 32
MULTIPLE = 32
# Peak of a group of slices in use, with room to spare: measured 520 in float32.
BYTES_PER_VOXEL = 800


class LinkNet2D(SliceNetwork):
    """layers: blocks per encoder stage; (3, 4, 6, 3) is SE-ResNeXt-50."""

    def __init__(self, *, input_channels: int, layers: Sequence[int]) -> None:
        # Batch statistics need more than one value at the coarsest level.
        super().__init__(multiple=MULTIPLE, at_least=2 * MULTIPLE)
        self.bytes_per_voxel = BYTES_PER_VOXEL
        encoder = SENet(
            spatial_dims=2,
            in_channels=input_channels,
            block="se_resnetxt_bottleneck",
            layers=tuple(layers),
            groups=32,
            reduction=16,
            dropout_prob=None,
            inplanes=STEM,
            downsample_kernel_size=1,
            input_3x3=False,
        )
        *stem, self.pool = encoder.layer0.children()
        self.stem = nn.Sequential(*stem)
        self.stages = nn.ModuleList([encoder.layer1, encoder.layer2, encoder.layer3, encoder.layer4])
        coarse_to_fine = (*reversed(STAGES), STEM, FINE_CHANNELS)
        self.decoder = nn.ModuleList(_decoder_block(coarse, fine) for coarse, fine in pairwise(coarse_to_fine))
        self.head = nn.Conv2d(FINE_CHANNELS, 1, 1)

    def slice_logits(self, images: Tensor) -> Tensor:
        """Logits (batch, 1, y, x) of images (batch, c, y, x) whose sides are multiples of 32 and at least 64."""
        skips = [self.stem(images)]
        features = self.pool(skips[0])
        for stage in self.stages:
            features = stage(features)
            skips.append(features)
        features = skips.pop()
        for block in self.decoder:
            features = block(features)
            if skips:
                features = features + skips.pop()
        return self.head(features)


def _decoder_block(inputs: int, outputs: int) -> nn.Sequential:
    middle = inputs // 4
    layers: list[nn.Module] = []
    for layer, channels in (
        (nn.Conv2d(inputs, middle, 1, bias=False), middle),
        (nn.ConvTranspose2d(middle, middle, 4, stride=2, padding=1, bias=False), middle),
        (nn.Conv2d(middle, outputs, 1, bias=False), outputs),
    ):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        layers += [layer, nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
