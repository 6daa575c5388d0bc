"""Hard negatives: bright on FLAIR and no lesion. They are drawn once for a patient and never enter the label.

Rims and caps of the ventricles, gray-like drift of white matter, septum and fornix, bright stretches of cortex, choroid plexus,
flow in the fluid, perivascular spaces.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from MSSoftSegLib.training.synthesis.draws import Draws
from MSSoftSegLib.training.synthesis.fields import Shape, blur, smooth_field

# The ventricles lie within this share of the way from the middle of the volume to its corners.
INNER_SHARE = 0.55


@dataclass(frozen=True)
class HardNegatives:
    """Maps (z, y, x), 0–1, shared by all contrasts.

    gray_like: white matter as bright as gray. bright_gray: gray matter towards lesion. plexus, flow: within fluid.
    spaces: thin tubes of fluid in white matter. deep: where gray matter is deep gray matter.
    """

    gray_like: Tensor
    bright_gray: Tensor
    plexus: Tensor
    flow: Tensor
    spaces: Tensor
    deep: Tensor


def draw_hard_negatives(tissues: Tensor, draws: Draws) -> HardNegatives:
    """Draw the negatives of one patient from her tissue fractions (3, z, y, x)."""
    shape: Shape = tuple(tissues.shape[1:])  # type: ignore[assignment]
    csf, gray, white = tissues
    inner = (1.25 - distance_from_center(shape) / INNER_SHARE).mul(4).clamp(0, 1)
    ventricle = csf * inner
    near = (blur(ventricle, draws.uniform("rim_width", 1.0, 3.0)) * 4).clamp(0, 1)
    rim = white * near * draws.uniform("rim", 0, 0.9)
    drift = _bumps(shape, draws, "drift", scale=(5, 25), level=0.6) * white * draws.uniform("drift", 0, 0.9)
    thin = near * gray * draws.uniform("septum", 0, 1.0)
    cortex = _bumps(shape, draws, "cortex", scale=(4, 14), level=draws.uniform("cortex_level", 0.2, 1.5))
    bright_gray = (cortex * gray * draws.uniform("cortex", 0, 0.8)).maximum(thin * 0.7)
    plexus = ventricle * _bumps(shape, draws, "plexus", scale=(3, 4), level=1.4) * draws.chance("has_plexus", 0.7)
    flow = csf * _bumps(shape, draws, "flow", scale=(6, 14), level=0.8)
    flow = flow * draws.uniform("flow", 0.2, 1.0) * draws.chance("has_flow", 0.4)
    spaces = white * (smooth_field(shape, 2.5, rng=draws.rng) - 2.3).clamp(0, 1) * draws.chance("has_spaces", 0.4)
    return HardNegatives((rim + drift).clamp(0, 1), bright_gray, plexus, flow, spaces, inner)


def _bumps(shape: Shape, draws: Draws, name: str, *, scale: tuple[float, float], level: float) -> Tensor:
    """Smooth bumps, 0–1: a random field cut from below."""
    field = smooth_field(shape, draws.uniform(f"{name}_scale", *scale), rng=draws.rng)
    return (field - level).clamp(0, 1)


def distance_from_center(shape: Shape) -> Tensor:
    """Distance from the volume's middle, 1 at the middle of each face."""
    axes = [torch.linspace(-1, 1, n) for n in shape]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    return torch.sqrt(z**2 + y**2 + x**2)
