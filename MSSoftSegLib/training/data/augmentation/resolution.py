"""What a scanner does to detail: blur and thick slices, per channel. Images only: the truth is as sharp as it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from MSSoftSegLib.training.data.augmentation import CHANCE
from MSSoftSegLib.training.data.augmentation.fields import apply_along_axis
from MSSoftSegLib.training.data.augmentation.intensity import brain_of
from MSSoftSegLib.training.data.sample import Sample
from MSSoftSegLib.training.recipe import AugmentationSettings

# A Gaussian is cut off where it has fallen to a hundredth.
KERNEL_REACH_SD = 3.0


@dataclass(frozen=True)
class ChannelResolution:
    """One channel's draw, in voxels; 0 changes nothing. thick_axis: of the sample's axes without the channel."""

    blur_sd: float = 0.0
    thick: float = 0.0
    thick_axis: int = 0


@dataclass(frozen=True)
class ResolutionDraw:
    """One draw per channel: contrasts are acquired one by one."""

    channels: tuple[ChannelResolution, ...]


def draw_resolution(
    settings: AugmentationSettings, *, rng: np.random.Generator, channels: int, spacing_mm: float, axes: int
) -> ResolutionDraw:
    """Blur and thick slices on each channel with chance CHANCE each; slices no thicker than a voxel are none. axes: 2 or 3."""
    drawn = []
    for _ in range(channels):
        blurred, sliced = rng.random(2) < CHANCE
        blur_sd = float(rng.uniform(0, settings.blur_mm)) / spacing_mm
        thick = float(rng.uniform(spacing_mm, max(spacing_mm, settings.thick_slices_mm))) / spacing_mm
        axis = int(rng.integers(axes))
        drawn.append(ChannelResolution(blur_sd if blurred else 0.0, thick if sliced and thick > 1 else 0.0, axis))
    return ResolutionDraw(tuple(drawn))


def apply_resolution(sample: Sample, draw: ResolutionDraw) -> Sample:
    """The sample with blurred or thickly sliced images, 0 outside the brain as before."""
    brain = brain_of(sample).float()
    images = []
    for image, channel in zip(sample.images, draw.channels, strict=True):
        changed = image
        if channel.blur_sd > 0:
            for axis, count in enumerate(image.shape):
                changed = apply_along_axis(changed, blur_matrix(count, channel.blur_sd), axis)
        if channel.thick > 0:
            count = image.shape[channel.thick_axis]
            changed = apply_along_axis(changed, thick_slice_matrix(count, channel.thick), channel.thick_axis)
        images.append(image if changed is image else changed * brain)
    return replace(sample, images=torch.stack(images))


def blur_matrix(count: int, sd_voxels: float) -> Tensor:
    """(count, count): Gaussian blur along an axis; rows sum to 1, at the ends over what is there."""
    reach = max(1, round(KERNEL_REACH_SD * sd_voxels))
    apart = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    weights = np.exp(-0.5 * (np.arange(max(count, reach + 1)) / sd_voxels) ** 2)
    weights[reach + 1 :] = 0.0
    kernel = weights[apart]
    return torch.from_numpy((kernel / kernel.sum(axis=1, keepdims=True)).astype(np.float32))


def thick_slice_matrix(count: int, thick_voxels: float) -> Tensor:
    """(count, count): mean over slices of that thickness, then linear interpolation between their middles."""
    slices = max(1, round(count / thick_voxels))
    edges = np.linspace(0, count, slices + 1)
    voxel = np.arange(count)
    covered = np.minimum(edges[1:, None], voxel + 1) - np.maximum(edges[:-1, None], voxel)
    means = np.clip(covered, 0, None) * slices / count
    place = np.clip((voxel + 0.5) * slices / count - 0.5, 0, slices - 1)
    first = np.minimum(place.astype(int), max(slices - 2, 0))
    back = np.zeros((count, slices))
    back[voxel, first] = 1 - (place - first)
    if slices > 1:
        back[voxel, first + 1] = place - first
    return torch.from_numpy((back @ means).astype(np.float32))
