"""Overlapping windows, for networks whose statistics were learned on patches.

nnU-Net looks at a volume through its training patch, half overlapping, and trusts the middle of a window more than its rim;
the DynUNet's instance normalization then sees in use what it saw in training. A lesion U-Net looks through windows where its
description asks for them: where they overlap it has several opinions, and a part of the brain says less about all of it. Every
other network takes the brain whole. Windows that hold nothing are not looked into.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional

from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.inference.whole_volume import predict_logits
from MSSoftSegLib.network.architecture import LesionUNet
from MSSoftSegLib.network.window import DEFAULT_OVERLAP, Window

# Standard deviation of the Gaussian, as a share of the window; and the weight of a window's corners at least.
WIDTH = 0.125
LEAST_TRUST = 1e-3
# The logit where no window with anything in it reaches: no lesion.
NO_BRAIN = -30.0


def predict_windowed_logits(
    network: nn.Module, images: Tensor, device: Device, *, window: Window | None, pieces: int | None = None
) -> Tensor:
    """Logits (1, 1, z, y, x) float32 in main memory for images (1, c, z, y, x) float32 in main memory.

    In one pass where no window is given or none of the volume's sides is longer than it; else the mean of the overlapping
    windows' logits, weighted by a Gaussian about each window's center. A window of zeros alone is left out: there is no brain.
    pieces: as ``predict_logits`` has them.
    """
    if window is None or all(side <= limit for side, limit in zip(images.shape[2:], window, strict=True)):
        return predict_logits(network, images, device, pieces=pieces)
    z, y, x = window
    if isinstance(network, LesionUNet):
        # Its statistics are of all voxels: a side that fits is not filled up with zeros.
        z, y, x = (min(side, limit) for side, limit in zip(images.shape[2:], window, strict=True))
    filled, inner = _filled_up(images, (z, y, x))
    overlap = getattr(network, "overlap", DEFAULT_OVERLAP)
    starts = [_starts(side, size, overlap) for side, size in zip(filled.shape[2:], (z, y, x), strict=True)]
    trust = _trust((z, y, x))
    total = torch.zeros(1, 1, *filled.shape[2:])
    weight = torch.zeros_like(total)
    with torch.inference_mode():
        for low, front, left in product(*starts):
            place = (..., slice(low, low + z), slice(front, front + y), slice(left, left + x))
            part = filled[place]
            if not part.any():
                continue
            total[place] += predict_logits(network, part, device, pieces=pieces) * trust
            weight[place] += trust
        return torch.where(weight > 0, total / weight.clamp(min=1e-12), NO_BRAIN)[inner]


def _filled_up(images: Tensor, window: Window) -> tuple[Tensor, tuple[slice, ...]]:
    """The images with zeros on both sides where they are smaller than a window; where in the result they lie."""
    amounts, inner = [], [slice(None), slice(None)]
    for side, size in zip(images.shape[2:], window, strict=True):
        missing = max(size - side, 0)
        amounts.append((missing // 2, missing - missing // 2))
        inner.append(slice(missing // 2, missing // 2 + side))
    return functional.pad(images, [amount for pair in reversed(amounts) for amount in pair]), tuple(inner)


def _starts(side: int, size: int, overlap: float) -> list[int]:
    """Where windows begin along an axis: a step apart, the last one moved back to the end."""
    step = max(int(size * (1 - overlap)), 1)
    return [*range(0, side - size, step), side - size]


def _trust(window: Window) -> Tensor:
    """The weight of a window's voxels: a Gaussian about its center, never quite nothing."""
    weight = torch.ones(1)
    for size in window:
        away = torch.arange(size) - (size - 1) / 2
        weight = weight[..., None] * torch.exp(-away.square() / (2 * (WIDTH * size) ** 2))
    return weight[0].clamp(min=max(float(weight.min()), LEAST_TRUST))
