"""One network in the shapes of several packages, with the same weights; and a brain for it to look at."""

from __future__ import annotations

import numpy as np
import torch
from monai.networks.nets.dynunet import DynUNet as MonaiDynUNet
from scipy import ndimage
from torch import Tensor, nn

from MSSoftSegLib.network.dynunet import DynUNet

# nnU-Net's window for such voxels, half overlapping.
WINDOW = (128, 128, 128)
# A brain of an adult in 1 mm voxels, as the working grid holds it.
BRAIN = (128, 176, 144)
# The same in voxels of 0.8 mm.
FINE_BRAIN = (160, 224, 176)
CHANNELS = 3


def brain(shape: tuple[int, int, int] = BRAIN) -> Tensor:
    """Normalized channels (1, c, z, y, x): smooth noise in an ellipsoid, zeros around it, as around a brain."""
    rng = np.random.default_rng(0)
    axes = np.meshgrid(*(np.linspace(-1, 1, side) for side in shape), indexing="ij")
    inside = sum(axis**2 for axis in axes) < 1
    noise = [ndimage.gaussian_filter(rng.normal(size=shape), 2) * 10 * inside for _ in range(CHANNELS)]
    return torch.from_numpy(np.stack(noise)[None].astype(np.float32))


def monai_twin(ours: DynUNet, filters: tuple[int, ...]) -> nn.Module:
    """MONAI's own network with our weights, as its users run it."""
    levels = len(filters)
    twin = MonaiDynUNet(
        spatial_dims=3,
        in_channels=CHANNELS,
        out_channels=1,
        kernel_size=[3] * levels,
        strides=[1] + [2] * (levels - 1),
        upsample_kernel_size=[2] * (levels - 1),
        filters=list(filters),
        norm_name=("INSTANCE", {"affine": True}),
        deep_supervision=False,
    )
    weights = ours.state_dict()
    # MONAI lists the layers a second time, under the names of its nested skip connections.
    twin.load_state_dict({name: value for name, value in weights.items() if "supervision" not in name}, strict=False)
    return twin.eval()


def in_order(network: nn.Module) -> list[Tensor]:
    """The weights in the order in which an encoder and then a decoder hold them, for a package with other names."""
    assert isinstance(network, DynUNet)
    blocks = [network.input_block, *network.downsamples, network.bottleneck]
    tensors = [tensor for block in blocks for tensor in _of_block(block)]
    for up in network.upsamples:
        tensors += [up.transp_conv.conv.weight, *_of_block(up.conv_block)]
    return [
        tensor.detach()
        for tensor in (*tensors, network.output_block.conv.conv.weight, network.output_block.conv.conv.bias)
    ]


def _of_block(block: nn.Module) -> list[Tensor]:
    pairs = ((block.conv1, block.norm1), (block.conv2, block.norm2))
    return [tensor for conv, norm in pairs for tensor in (conv.conv.weight, norm.weight, norm.bias)]
