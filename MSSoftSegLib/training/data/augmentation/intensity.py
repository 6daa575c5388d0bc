"""What a scanner does to brightness: gamma, contrast, brightness, bias field and noise, per channel; labels untouched."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from MSSoftSegLib.training.data.augmentation import CHANCE
from MSSoftSegLib.training.data.augmentation.fields import spline_field
from MSSoftSegLib.training.data.sample import Sample
from MSSoftSegLib.training.recipe import AugmentationSettings

# Bumps of a bias field that correction has left are about as wide as a lobe.
BIAS_KNOT_MM = 60.0
# A bias field multiplies raw intensities, whose mean inside the brain lies about three SD above zero.
BRAIN_MEAN_SD = 3.0


@dataclass(frozen=True)
class ChannelIntensity:
    """One channel's draw; the defaults change nothing. gamma: exponent. contrast: factor about the brain's mean.
    brightness, noise: in units of the normalised image (1 = SD of the brain). bias: largest relative deviation."""

    gamma: float = 1.0
    contrast: float = 1.0
    brightness: float = 0.0
    bias: float = 0.0
    noise: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class IntensityDraw:
    """One draw per channel; knot_voxels: distance of the bias field's control points."""

    channels: tuple[ChannelIntensity, ...]
    knot_voxels: float


def draw_intensity(
    settings: AugmentationSettings, *, rng: np.random.Generator, channels: int, spacing_mm: float
) -> IntensityDraw:
    """Each effect on each channel with chance CHANCE, uniform within its limit."""

    def maybe(low: float, high: float, nothing: float) -> float:
        return float(rng.uniform(low, high)) if low < high and rng.random() < CHANCE else nothing

    drawn = tuple(
        ChannelIntensity(
            gamma=maybe(1 - settings.gamma, 1 + settings.gamma, 1.0),
            contrast=maybe(1 - settings.contrast, 1 + settings.contrast, 1.0),
            brightness=maybe(-settings.brightness, settings.brightness, 0.0),
            bias=maybe(0.0, settings.bias, 0.0),
            noise=maybe(0.0, settings.noise, 0.0),
            seed=int(rng.integers(2**31)),
        )
        for _ in range(channels)
    )
    return IntensityDraw(drawn, BIAS_KNOT_MM / spacing_mm)


def apply_intensity(sample: Sample, draw: IntensityDraw) -> Sample:
    """The sample with its images changed inside the brain; an absent channel (all 0) stays absent."""
    nothing = ChannelIntensity()
    brain = brain_of(sample).float()
    images = []
    for image, channel in zip(sample.images, draw.channels, strict=True):
        if replace(channel, seed=0) == nothing or not image.any():
            images.append(image)
        else:
            images.append(_changed(image, brain, channel, draw.knot_voxels) * brain)
    return replace(sample, images=torch.stack(images))


def brain_of(sample: Sample) -> Tensor:
    """(…) bool: where any image shows brain. Not the weight: a pseudo-label's may be 0 inside it."""
    return sample.images.ne(0).any(dim=0)


def _changed(image: Tensor, brain: Tensor, channel: ChannelIntensity, knot_voxels: float) -> Tensor:
    """The image, 0 outside the brain, with all that was drawn; what comes of the zeros outside is for the caller to drop."""
    rng = np.random.default_rng(channel.seed)
    if channel.contrast != 1.0:
        mean = image.sum() / brain.sum().clamp(min=1)
        image = mean + (image - mean) * channel.contrast
    if channel.brightness != 0.0:
        image = image + channel.brightness
    if channel.gamma != 1.0:
        image = _gamma(image, channel.gamma)
    if channel.bias > 0:
        field = spline_field(tuple(image.shape), knot_voxels, channels=1, rng=rng)[0]
        image = image + (image + BRAIN_MEAN_SD) * field * channel.bias
    if channel.noise > 0:
        noise = rng.standard_normal(tuple(image.shape), dtype=np.float32)
        image = image + torch.from_numpy(noise) * channel.noise
    return image


def _gamma(image: Tensor, gamma: float) -> Tensor:
    """The image's range, as 0–1, to the power of gamma. Zeros outside the brain are its mean and widen no range."""
    low, high = torch.aminmax(image)
    span = (high - low).clamp(min=1e-6)
    return ((image - low) / span).clamp(0, 1).pow(gamma) * span + low
