"""From the description of a network to the network."""

from __future__ import annotations

import torch
from torch import nn

from MSSoftSegLib.network.architecture import LesionUNet
from MSSoftSegLib.network.description import (
    DynUNetDescription,
    LesionUNetDescription,
    LinkNet2DDescription,
    NetworkDescription,
)
from MSSoftSegLib.network.unet_2d import UNet2D


def build_network(network: NetworkDescription, *, input_channels: int) -> nn.Module:
    """The network that a description speaks of, with random weights (torch's seed), in its memory format.

    All map images (batch, input_channels, z, y, x) to logits (batch, 1, z, y, x); 2D networks take (batch, c, y, x) too. All
    but the lesion U-Net, whose sides must be multiples of its ``multiple``, accept any size. A DynUNet with deep
    supervision gives a tuple in training (dynunet.py).
    """
    built = _built(network, input_channels)
    return built.to(memory_format=memory_format(built))  # type: ignore[call-overload]


def memory_format(network: nn.Module) -> torch.memory_format:
    """The layout in which this network's convolutions are fast: channels last, of slices or of volumes."""
    return getattr(network, "memory_format", torch.channels_last_3d)


def _built(network: NetworkDescription, input_channels: int) -> nn.Module:
    # MONAI takes seconds to import: only the networks that are made of it pay for that.
    if isinstance(network, LesionUNetDescription):
        return LesionUNet(input_channels=input_channels, widths=network.widths)
    if isinstance(network, LinkNet2DDescription):
        from MSSoftSegLib.network.linknet_2d import LinkNet2D

        return LinkNet2D(input_channels=input_channels, layers=network.layers)
    if isinstance(network, DynUNetDescription):
        from MSSoftSegLib.network.dynunet import DynUNet

        return DynUNet(
            input_channels=input_channels, filters=network.filters, deep_supervision=network.deep_supervision
        )
    return UNet2D(input_channels=input_channels, widths=network.widths, norm=network.norm, dropout=network.dropout)
