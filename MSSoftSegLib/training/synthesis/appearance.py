"""How one contrast of one patient looks before any scanner touches it, hard negatives included.

Hard negatives are bright on FLAIR and no lesion: the periventricular rim, gray-like drift of white matter, choroid plexus,
flow in the fluid. They are never part of the label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.phantom.contrasts import TissueIntensities, draw_intensities
from MSSoftSegLib.training.synthesis.fields import Shape, blur, smooth_field, white_noise


@dataclass(frozen=True)
class HardNegatives:
    """Maps (z, y, x), 0–1, of what looks like lesion and is not; shared by all contrasts of one patient."""

    rim: Tensor
    drift: Tensor
    plexus: Tensor
    flow: Tensor


def draw_hard_negatives(tissues: Tensor, *, rng: np.random.Generator) -> HardNegatives:
    """Draw the negatives of one patient from her tissue fractions (3, z, y, x)."""
    shape: Shape = tuple(tissues.shape[1:])  # type: ignore[assignment]
    csf, _, white = tissues
    inner = _distance_from_center(shape) < 0.55
    ventricle = csf * inner
    near_ventricle = blur(ventricle, rng.uniform(1.0, 2.5))
    rim = (white * near_ventricle * 4).clamp(0, 1) * rng.uniform(0, 0.8)
    drift = white * (smooth_field(shape, rng.uniform(6, 25), rng=rng) - 0.7).clamp(0, 1) * rng.uniform(0, 0.9)
    spots = (smooth_field(shape, 3.5, rng=rng) - 1.5).clamp(0, 1)
    plexus = ventricle * spots * (rng.random() < 0.7)
    waves = (smooth_field(shape, 10, rng=rng) - 0.8).clamp(0, 1)
    flow = csf * waves * (rng.random() < 0.4) * rng.uniform(0.2, 1.0)
    return HardNegatives(rim, drift, plexus, flow)


def draw_appearance(tissues: Tensor, lesion: Tensor, *, rng: np.random.Generator) -> dict[Modality, Tensor]:
    """Noise-free images (z, y, x) per contrast; white matter is about 1, outside the brain a smooth rim of other tissue."""
    negatives = draw_hard_negatives(tissues, rng=rng)
    shape: Shape = tuple(lesion.shape)  # type: ignore[assignment]
    # Lesions differ among themselves, and alike on all contrasts.
    severity = (1 + rng.uniform(0.1, 0.35) * smooth_field(shape, 9, rng=rng)).clamp(0.35, 1.6)
    dirty = blur(lesion, rng.uniform(2.0, 5.0)) * rng.uniform(0, 0.5)
    halo = (dirty * tissues[2]).clamp(0, 0.35) * (1 - lesion)
    return {
        modality: _contrast(modality, tissues, lesion, severity, halo, negatives, rng=rng) for modality in MODALITIES
    }


def _contrast(
    modality: Modality,
    tissues: Tensor,
    lesion: Tensor,
    severity: Tensor,
    halo: Tensor,
    negatives: HardNegatives,
    *,
    rng: np.random.Generator,
) -> Tensor:
    shape: Shape = tuple(lesion.shape)  # type: ignore[assignment]
    mean = draw_intensities(modality, rng=rng)
    csf, gray, white = tissues
    gray_like = (negatives.drift + negatives.rim).clamp(0, 1)
    white_value = mean.white + (mean.gray - mean.white) * gray_like
    gray_value = mean.gray * (1 + rng.uniform(0.02, 0.09) * smooth_field(shape, 12, rng=rng))
    healthy = csf * _fluid(modality, mean, negatives, rng=rng) + gray * gray_value + white * white_value
    step = (mean.lesion - mean.white) * severity
    share = (lesion + halo).clamp(0, 1)
    image = healthy * (1 - share) + share * (mean.white + step)
    texture = 1 + rng.uniform(0.01, 0.05) * blur(white_noise(shape, rng=rng), 0.7) * 2.5
    outside = (1 - tissues.sum(dim=0)).clamp(0, 1)
    return image * texture + outside * _surroundings(mean, shape, rng=rng)


def _fluid(
    modality: Modality, mean: TissueIntensities, negatives: HardNegatives, *, rng: np.random.Generator
) -> Tensor:
    """CSF with choroid plexus and flow in it: both make suppressed fluid bright and bright fluid dark."""
    plexus_value = mean.gray * rng.uniform(0.9, 1.35 if modality is Modality.FLAIR else 1.1)
    fluid = mean.csf + (plexus_value - mean.csf) * negatives.plexus
    if modality is Modality.FLAIR:
        fluid = fluid + (1.3 * mean.lesion - fluid) * negatives.flow
    return fluid


def _surroundings(mean: TissueIntensities, shape: Shape, *, rng: np.random.Generator) -> Tensor:
    """Dura, bone and fat around the brain, blended at random: what an imperfect brain extraction leaves."""
    blend = (smooth_field(shape, 8, rng=rng) * 0.5 + 0.5).clamp(0, 1)
    return mean.bone + blend * (rng.choice([mean.dura, mean.fat, mean.marrow, mean.csf]) - mean.bone)


def _distance_from_center(shape: Shape) -> Tensor:
    axes = [torch.linspace(-1, 1, n) for n in shape]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    return torch.sqrt(z**2 + y**2 + x**2)
