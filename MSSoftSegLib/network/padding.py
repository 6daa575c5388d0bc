"""Any size in, the same size out, for networks that halve their grid several times."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def pad(images: Tensor, *, multiple: int, at_least: int = 0) -> Tensor:
    """Images (batch, channels, sides…) with zeros, the background, added behind each axis.

    Each side becomes a multiple of ``multiple`` and no shorter than ``at_least``, itself a multiple.
    """
    missing = [max(-(-side // multiple) * multiple, at_least) - side for side in images.shape[2:]]
    if not any(missing):
        return images
    return functional.pad(images, [amount for behind in reversed(missing) for amount in (0, behind)])


def crop(result: Tensor, images: Tensor) -> Tensor:
    """The part of a result on the padded grid that lies over the images."""
    for axis in range(2, images.ndim):
        result = result.narrow(axis, 0, images.shape[axis])
    return result
