"""nnU-Net's 3D full-resolution network, in the shape of MONAI's DynUNet and made of its blocks.

Two things differ from MONAI's class. Instance normalization is ``SampleNorm``: the same numbers, several times faster on
processors. And the decoder hands its outputs on instead of leaving them in a list on the module, so each weight has one name.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from monai.networks.blocks.dynunet_block import UnetBasicBlock, UnetOutBlock, UnetUpBlock
from torch import Tensor, nn
from torch.nn import functional

from MSSoftSegLib.network.architecture import NEGATIVE_SLOPE, SampleNorm
from MSSoftSegLib.network.padding import cropped, padded


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
        self.input_block = _block(input_channels, filters[0], 1)
        steps = list(pairwise(filters))
        self.downsamples = nn.ModuleList(_block(fine, coarse, 2) for fine, coarse in steps[:-1])
        self.bottleneck = _block(*steps[-1], 2)
        self.upsamples = nn.ModuleList(_up_block(coarse, fine) for fine, coarse in reversed(steps))
        self.output_block = UnetOutBlock(3, filters[0], 1)
        # nnU-Net supervises all but the two coarsest outputs of the decoder.
        heads = max(len(filters) - 3, 1) if deep_supervision else 0
        self.deep_supervision_heads = nn.ModuleList(UnetOutBlock(3, filters[level + 1], 1) for level in range(heads))
        _use_sample_norm(self)
        self.apply(_start)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Lesion logits on the grid of the images, same type as the computation's (bfloat16 under autocast)."""
        features = self.input_block(padded(images, multiple=self.multiple, at_least=self.at_least))
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
            return cropped(finest, images)
        coarser = [head(level) for head, level in zip(self.deep_supervision_heads, decoded[-2::-1], strict=False)]
        full_size = finest.shape[2:]
        enlarged = [functional.interpolate(each.float(), full_size, mode="trilinear") for each in coarser]
        return tuple(cropped(each, images) for each in (finest, *enlarged))


def _block(inputs: int, outputs: int, stride: int) -> nn.Module:
    return UnetBasicBlock(3, inputs, outputs, 3, stride, norm_name="instance", act_name=_ACTIVATION)


def _up_block(inputs: int, outputs: int) -> nn.Module:
    return UnetUpBlock(3, inputs, outputs, 3, 1, upsample_kernel_size=2, norm_name="instance", act_name=_ACTIVATION)


_ACTIVATION = ("leakyrelu", {"inplace": True, "negative_slope": NEGATIVE_SLOPE})


def _use_sample_norm(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.InstanceNorm3d):
            setattr(module, name, SampleNorm(child.num_features))
        else:
            _use_sample_norm(child)


def _start(module: nn.Module) -> None:
    """Kaiming weights for leaky ReLUs, as nnU-Net starts."""
    if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
        nn.init.kaiming_normal_(module.weight, a=NEGATIVE_SLOPE)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
