"""Random smooth fields and fast blurs on tensors (z, y, x): the raw material of every synthetic effect."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

Shape = tuple[int, int, int]
# A blur this wide is computed at half the resolution.
WIDE_BLUR_VOXELS = 1.5


def blur(volume: Tensor, sigma_voxels: float) -> Tensor:
    """Gaussian blur of a volume (z, y, x); sigma 0 returns it unchanged, a wide one is approximate."""
    if sigma_voxels <= 0:
        return volume
    if sigma_voxels >= WIDE_BLUR_VOXELS:
        return _wide_blur(volume, sigma_voxels)
    radius = max(1, round(3 * sigma_voxels))
    weights = np.exp(-0.5 * (np.arange(radius + 1) / sigma_voxels) ** 2)
    weights /= weights[0] + 2 * weights[1:].sum()
    for axis in range(3):
        volume = _convolved(volume, axis, weights)
    return volume


def _convolved(volume: Tensor, axis: int, weights: np.ndarray) -> Tensor:
    """Convolved with a symmetric kernel along one axis, zeros beyond the ends; several times faster than conv3d on processors."""
    count = volume.shape[axis]
    result = volume * float(weights[0])
    for offset, weight in enumerate(weights[1:].tolist(), start=1):
        kept = count - offset
        if kept <= 0:
            break
        result.narrow(axis, offset, kept).add_(volume.narrow(axis, 0, kept), alpha=weight)
        result.narrow(axis, 0, kept).add_(volume.narrow(axis, offset, kept), alpha=weight)
    return result


def _wide_blur(volume: Tensor, sigma_voxels: float) -> Tensor:
    """About the same at half the resolution, again halved from twice that width on.

    Fast, and up to half again as wide as asked, which a random effect can bear.
    """
    half = functional.avg_pool3d(volume[None, None], 2, ceil_mode=True)[0, 0]
    blurred = blur(half, sigma_voxels / 2)[None, None]
    size = [2 * n for n in half.shape]
    full = functional.interpolate(blurred, size=size, mode="trilinear", align_corners=False)[0, 0]
    return full[tuple(slice(n) for n in volume.shape)]


def smooth_field(shape: Shape, scale_voxels: float, *, rng: np.random.Generator) -> Tensor:
    """A random field with mean about 0 and SD about 1 whose bumps are about ``scale_voxels`` wide."""
    coarse = [max(4, round(n / scale_voxels) + 3) for n in shape]
    middle = [max(4, n // 4) for n in shape]
    # Cubic to a quarter of the resolution, linear from there: smooth to the eye at a tenth of the cost.
    noise = ndimage.zoom(rng.standard_normal(coarse), [m / c for m, c in zip(middle, coarse, strict=True)], order=3)
    field = torch.from_numpy((noise / max(float(noise.std()), 1e-3)).astype(np.float32))
    return functional.interpolate(field[None, None], size=shape, mode="trilinear", align_corners=True)[0, 0]


def white_noise(shape: Shape, *, rng: np.random.Generator) -> Tensor:
    """Independent standard normal values."""
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))
