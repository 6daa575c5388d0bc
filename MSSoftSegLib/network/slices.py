"""Two-dimensional networks: slices in training, whole volumes in use.

Every axial slice (along z) of a volume is an image of its own, so a volume runs in groups of slices and memory stays bounded.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from MSSoftSegLib.network.padding import crop, pad

SLICES_AT_ONCE = 8


class SliceNetwork(nn.Module, ABC):
    """Images (batch, c, y, x) to logits (batch, 1, y, x), or volumes (batch, c, z, y, x) to (batch, 1, z, y, x); any size.

    A subclass defines ``slice_logits`` for sides that are multiples of ``multiple`` and at least ``at_least``.
    slices_at_once may be lowered where memory is short; the answer stays.
    """

    memory_format = torch.channels_last

    def __init__(self, *, multiple: int, at_least: int = 0) -> None:
        super().__init__()
        self.multiple = multiple
        self.at_least = at_least
        self.slices_at_once = SLICES_AT_ONCE

    @abstractmethod
    def slice_logits(self, images: Tensor) -> Tensor:
        """Logits (batch, 1, y, x) of images (batch, c, y, x) of fitting size."""

    def forward(self, images: Tensor) -> Tensor:
        """Lesion logits on the grid of the images, same type as the computation's (bfloat16 under autocast)."""
        if images.ndim == 4:
            fitting = pad(images, multiple=self.multiple, at_least=self.at_least)
            return crop(self.slice_logits(fitting.contiguous(memory_format=self.memory_format)), images)
        batch, _, depth = images.shape[:3]
        flat = images.transpose(1, 2).flatten(0, 1)
        groups = [self.forward(group) for group in flat.split(self.slices_at_once)]
        return torch.cat(groups).unflatten(0, (batch, depth)).transpose(1, 2)
