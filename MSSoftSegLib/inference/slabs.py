"""The same network, layer by layer and slab by slab, for when a device cannot hold a volume at once.

Feature maps stay in main memory. Each convolution visits its input in slabs that overlap by its own receptive field; each
normalisation gathers its statistics over all slabs before it applies them. So the answer is the whole-volume answer, up to
rounding, however many pieces there are: nothing is stitched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from MSSoftSegLib.network.normalization import SampleNorm

AXIS = 2  # the slabs lie along z


@contextmanager
def compute_in_slabs(network: nn.Module, *, pieces: int, device: torch.device) -> Iterator[None]:
    """Within this context the network takes and returns main-memory tensors and computes on the device in pieces."""
    replaced: list[nn.Module] = []
    try:
        for module in network.modules():
            slabwise = _slabwise(module, pieces, device)
            if slabwise is not None:
                module.forward = slabwise
                replaced.append(module)
        yield
    finally:
        for module in replaced:
            del module.forward  # the class's own shows again


def _slabwise(module: nn.Module, pieces: int, device: torch.device) -> Callable[[Tensor], Tensor] | None:
    """The slab-by-slab twin of a layer that has weights; other layers work voxel by voxel as they are."""
    if isinstance(module, nn.Conv3d):
        return lambda features: _convolve(module, features, pieces, device)
    if isinstance(module, nn.ConvTranspose3d):
        return lambda features: _upsample(module, features, pieces, device)
    if isinstance(module, SampleNorm):
        return lambda features: _normalize(module, features, pieces, device)
    return None


def _bounds(length: int, pieces: int) -> list[tuple[int, int]]:
    edges = [length * k // pieces for k in range(pieces + 1)]
    return [(a, b) for a, b in pairwise(edges) if b > a]


class _Gathered:
    """The output in main memory, allocated when its first slab tells shape and type."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.whole: Tensor | None = None

    def put(self, start: int, slab: Tensor) -> None:
        if self.whole is None:
            shape = list(slab.shape)
            shape[AXIS] = self.length
            self.whole = torch.empty(shape, dtype=slab.dtype).contiguous(memory_format=torch.channels_last_3d)
        self.whole.narrow(AXIS, start, slab.shape[AXIS]).copy_(slab)

    def result(self) -> Tensor:
        if self.whole is None:
            raise ValueError("nothing was computed")
        return self.whole


def _convolve(layer: nn.Conv3d, features: Tensor, pieces: int, device: torch.device) -> Tensor:
    kernel, stride = layer.kernel_size[0], layer.stride[0]
    padding: Any = layer.padding  # "same" and "valid" are not used in this network
    length = features.shape[AXIS]
    weight, bias = _on(device, layer)
    gathered = _Gathered((length + 2 * padding[0] - kernel) // stride + 1)
    for start, stop in _bounds(gathered.length, pieces):
        first, last = start * stride - padding[0], (stop - 1) * stride - padding[0] + kernel
        slab = features.narrow(AXIS, max(first, 0), min(last, length) - max(first, 0)).to(device)
        slab = functional.pad(slab, (0, 0, 0, 0, max(-first, 0), max(last - length, 0)))
        gathered.put(start, functional.conv3d(slab, weight, bias, layer.stride, (0, *padding[1:])).cpu())
    return gathered.result()


def _upsample(layer: nn.ConvTranspose3d, features: Tensor, pieces: int, device: torch.device) -> Tensor:
    stride = layer.stride[0]
    if layer.kernel_size != layer.stride or any(layer.padding):
        raise ValueError("only transposed convolutions whose kernel equals their stride can run in slabs")
    weight, bias = _on(device, layer)
    gathered = _Gathered(features.shape[AXIS] * stride)
    for start, stop in _bounds(features.shape[AXIS], pieces):
        slab = features.narrow(AXIS, start, stop - start).to(device)
        gathered.put(start * stride, functional.conv_transpose3d(slab, weight, bias, layer.stride).cpu())
    return gathered.result()


def _normalize(layer: SampleNorm, features: Tensor, pieces: int, device: torch.device) -> Tensor:
    """Two passes over the slabs: mean, then variance about it; then the scale and shift, in place, and the activation."""
    slabs = [features.narrow(AXIS, start, stop - start) for start, stop in _bounds(features.shape[AXIS], pieces)]
    count = features.numel() // (features.shape[0] * features.shape[1])
    axes = (2, 3, 4)
    mean = sum(slab.to(device).float().sum(axes, keepdim=True).double().cpu() for slab in slabs) / count
    shift = mean.float().to(device)  # type: ignore[union-attr]
    variance = sum((slab.to(device).float() - shift).square().sum(axes, keepdim=True).double().cpu() for slab in slabs)
    scale = torch.rsqrt(variance / count + layer.eps).float().to(device)  # type: ignore[arg-type]
    shape = (1, -1, 1, 1, 1)
    scale = scale * layer.weight.detach().to(device).reshape(shape)
    offset = layer.bias.detach().to(device).reshape(shape)
    for slab in slabs:
        slab.copy_(layer.activated((slab.to(device).float() - shift) * scale + offset))
    return features


def _on(device: torch.device, layer: nn.Conv3d | nn.ConvTranspose3d) -> tuple[Tensor, Tensor | None]:
    bias = layer.bias
    return layer.weight.detach().to(device), None if bias is None else bias.detach().to(device)
