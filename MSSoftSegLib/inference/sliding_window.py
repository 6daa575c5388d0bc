"""Overlapping windows, for networks whose statistics were learned on patches.

nnU-Net looks at a volume through its training patch, half overlapping, and trusts the middle of a window more than its rim;
the DynUNet's instance normalization then sees in use what it saw in training. A lesion U-Net looks through windows where its
description asks for them: where they overlap it has several opinions, and a part of the brain says less about all of it. Every
other network takes the brain whole.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.inference.whole_volume import predict_logits
from MSSoftSegLib.network.architecture import LesionUNet
from MSSoftSegLib.network.window import DEFAULT_OVERLAP, Window


def windowed_logits(network: nn.Module, images: Tensor, device: Device, *, window: Window | None) -> Tensor:
    """Logits (1, 1, z, y, x) float32 in main memory for images (1, c, z, y, x) float32 in main memory.

    In one pass where no window is given or none of the volume's sides is longer than it; else the mean of the overlapping
    windows' logits, weighted by a Gaussian about each window's center.
    """
    if window is None or all(side <= limit for side, limit in zip(images.shape[2:], window, strict=True)):
        return predict_logits(network, images, device)
    from monai.inferers.inferer import SlidingWindowInferer

    if isinstance(network, LesionUNet):
        # Its statistics are of all voxels: a side that fits is not filled up with zeros.
        z, y, x = (min(side, limit) for side, limit in zip(images.shape[2:], window, strict=True))
        window = (z, y, x)
    overlap = getattr(network, "overlap", DEFAULT_OVERLAP)
    inferer = SlidingWindowInferer(roi_size=window, sw_batch_size=1, overlap=overlap, mode="gaussian")
    # The windows' logits are inference tensors, which the inferer weighs in place: allowed in here only.
    with torch.inference_mode():
        answer = inferer(images, lambda part: predict_logits(network, part, device))
    if not isinstance(answer, Tensor):
        raise TypeError("one tensor was expected")
    return answer
