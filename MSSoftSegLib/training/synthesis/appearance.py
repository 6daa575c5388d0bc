"""How one contrast of one patient looks before any scanner touches it."""

from __future__ import annotations

import torch
from torch import Tensor

from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.training.synthesis.contrasts import TissueValues, draw_tissue_values
from MSSoftSegLib.training.synthesis.draws import Draws
from MSSoftSegLib.training.synthesis.fields import Shape, blur, smooth_field, white_noise
from MSSoftSegLib.training.synthesis.negatives import HardNegatives, draw_hard_negatives


def draw_appearance(tissues: Tensor, lesion: Tensor, draws: Draws) -> dict[Modality, Tensor]:
    """Noise-free images (z, y, x) per contrast; white matter is about 1, outside the brain other tissue."""
    negatives = draw_hard_negatives(tissues, draws.within("negatives"))
    shape: Shape = tuple(lesion.shape)  # type: ignore[assignment]
    # Lesions differ among themselves and within, alike on all contrasts.
    variation = draws.uniform("severity_variation", 0.1, 0.35) * smooth_field(shape, 9, rng=draws.rng)
    severity = ((1 + variation) * _pale_border(lesion, draws)).clamp(0.45, 1.6)
    dirty = blur(lesion, draws.uniform("dirty_width", 2.0, 5.0)) * draws.uniform("dirty", 0, 0.5)
    halo = (dirty * tissues[2]).clamp(0, 0.35) * (1 - lesion)
    return {
        modality: _contrast(modality, tissues, lesion, severity, halo, negatives, draws.within(modality.value))
        for modality in MODALITIES
    }


def _pale_border(lesion: Tensor, draws: Draws) -> Tensor:
    """Lesions are palest at their border, which raters draw inside: a factor, 1 in the middle of large ones."""
    depth = blur(lesion, draws.uniform("border_width", 1.0, 2.5))
    return 1 - draws.uniform("border_paleness", 0.0, 0.6) * (1 - depth).clamp(0, 1)


def _contrast(
    modality: Modality,
    tissues: Tensor,
    lesion: Tensor,
    severity: Tensor,
    halo: Tensor,
    negatives: HardNegatives,
    draws: Draws,
) -> Tensor:
    shape: Shape = tuple(lesion.shape)  # type: ignore[assignment]
    values = draw_tissue_values(modality, draws)
    csf, gray, white = tissues
    white_value = 1 + (values.gray - 1) * negatives.gray_like + (values.csf - 1) * 0.5 * negatives.spaces
    white_value = white_value + draws.uniform("white_variation", 0.0, 0.07) * smooth_field(shape, 14, rng=draws.rng)
    healthy = csf * _fluid(modality, values, negatives, draws) + white * white_value
    healthy = healthy + gray * _gray(modality, values, negatives, draws, shape)
    share = (lesion + halo).clamp(0, 1)
    # However faint, a lesion stays brighter than gray matter on T2 and FLAIR.
    faintest = 1.0 if modality is Modality.T1 else values.gray
    image = healthy * (1 - share) + share * (faintest + (values.lesion - faintest) * severity)
    grain = draws.uniform("grain", 0.01, 0.06) * 2.5
    texture = 1 + grain * blur(white_noise(shape, rng=draws.rng), draws.uniform("grain_width", 0.5, 0.8))
    outside = (1 - tissues.sum(dim=0)).clamp(0, 1)
    return image * texture + outside * _surroundings(values, shape, draws)


def _gray(modality: Modality, values: TissueValues, negatives: HardNegatives, draws: Draws, shape: Shape) -> Tensor:
    """Cortex and deep gray matter, in places as bright as a lesion."""
    variation = 1 + draws.uniform("gray_variation", 0.02, 0.10) * smooth_field(shape, 10, rng=draws.rng)
    value = values.gray + (values.deep_gray - values.gray) * negatives.deep
    reach = 1.0 if modality is Modality.FLAIR else 0.5
    return value * variation + (values.lesion - values.gray) * reach * negatives.bright_gray


def _fluid(modality: Modality, values: TissueValues, negatives: HardNegatives, draws: Draws) -> Tensor:
    """CSF with choroid plexus and flow in it: both make suppressed fluid bright and bright fluid dark."""
    bright = 1.35 if modality is Modality.FLAIR else 1.1
    plexus = values.gray * draws.uniform("plexus_value", 0.9, bright)
    strands = blur(white_noise(tuple(negatives.plexus.shape), rng=draws.rng), 0.7)  # type: ignore[arg-type]
    fluid = values.csf * (1 + draws.uniform("strands", 0.2, 1.0) * strands).clamp(0.3, 1.7)
    fluid = fluid + (plexus - fluid) * negatives.plexus
    if modality is Modality.FLAIR:
        fluid = fluid + (1.3 * values.lesion - fluid) * negatives.flow
    return fluid


def _surroundings(values: TissueValues, shape: Shape, draws: Draws) -> Tensor:
    """Dura, bone and fat around the brain, blended at random: what an imperfect brain extraction leaves."""
    blend = (smooth_field(shape, 8, rng=draws.rng) * 0.5 + 0.5).clamp(0, 1)
    dark = draws.uniform("bone", 0.02, 0.2)
    other = values.csf if draws.chance("fluid_around", 0.5) else values.around
    return dark + blend * (other - dark) + torch.zeros(shape)
