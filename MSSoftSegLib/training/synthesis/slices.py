"""Stacks of slices: how thick a scanner's slices are, how far apart, and what each of them averages.

Clinical 2D FLAIR has slices up to 8 mm apart with a gap between them; 3D protocols have none of it. A slice sees the tissue
under its profile: a plateau with soft shoulders, narrower than the slices' distance where there is a gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.training.synthesis.draws import Draws
from MSSoftSegLib.training.synthesis.fields import Shape

CLINICAL_PROBABILITY = 0.45
THICKEST_MM = 8.0
LEAST_SLICES = 8


@dataclass(frozen=True)
class Slices:
    """axis: of (z, y, x); spacing: between the slices' middles, in voxels of 1 mm; profile: full width at half maximum as a
    share of the spacing (1 = no gap); offset: of the first slice, in shares of the spacing."""

    axis: int
    spacing: float
    profile: float
    offset: float


def draw_protocol(draws: Draws) -> dict[Modality, Slices | None]:
    """The slices of each contrast, None = 1 mm. In clinical exams FLAIR is a stack of thick axial slices and so, mostly, are
    the others; elsewhere each contrast has slices of up to 4 mm of its own or none."""
    clinical = draws.chance("is_clinical", CLINICAL_PROBABILITY)
    return {modality: _slices(modality, clinical, draws.within(modality.value)) for modality in MODALITIES}


def _slices(modality: Modality, clinical: bool, draws: Draws) -> Slices | None:
    if clinical and (modality is Modality.FLAIR or draws.chance("is_clinical", 0.85)):
        return _drawn(draws, axis=0, thickest=THICKEST_MM, thinnest=2.5)
    if not draws.chance("is_thick", 0.4):
        return None
    axis = int(draws.choice("axis", (0, 1, 2), (0.7, 0.15, 0.15)))
    return _drawn(draws, axis=axis, thickest=4.0, thinnest=1.3)


def _drawn(draws: Draws, *, axis: int, thickest: float, thinnest: float) -> Slices:
    spacing = draws.uniform("spacing_mm", thinnest, thickest)
    return Slices(axis, spacing, draws.uniform("profile", 0.65, 1.05), draws.uniform("offset", 0.0, 1.0))


def slice_image(image: Tensor, slices: Slices) -> Tensor:
    """An image (z, y, x) at 1 mm as its slices: as many along the axis as there is room for."""
    return _along(image, torch.from_numpy(_profiles(image.shape[slices.axis], slices)), slices.axis)


def interpolate_slices(stack: Tensor, slices: Slices, shape: Shape) -> Tensor:
    """The slices' stack linearly interpolated to 1 mm, as preprocessing does; beyond the outer slices their values go on."""
    count = shape[slices.axis]
    middles = _middles(count, slices)
    place = np.clip((np.arange(count) - middles[0]) / (middles[1] - middles[0]), 0, len(middles) - 1)
    first = np.minimum(place.astype(int), len(middles) - 2)
    weights = np.zeros((count, len(middles)), np.float32)
    weights[np.arange(count), first] = 1 - (place - first)
    weights[np.arange(count), first + 1] = place - first
    return _along(stack, torch.from_numpy(weights), slices.axis)


def _middles(count: int, slices: Slices) -> np.ndarray:
    spacing = min(slices.spacing, count / LEAST_SLICES)
    return np.arange(slices.offset * spacing, count - 0.5, spacing)


def _profiles(count: int, slices: Slices) -> np.ndarray:
    """(slices, count): what each slice weighs each voxel with; rows sum to 1."""
    middles = _middles(count, slices)
    width = max((middles[1] - middles[0]) * slices.profile, 1.0)
    apart = np.abs(np.arange(count)[None] - middles[:, None]) / width
    # A plateau whose shoulders fall to half at ± half the width, over a third of it.
    weights = np.clip((0.5 - apart) / 0.33 + 0.5, 0, 1)
    weights[np.arange(len(middles)), np.clip(np.rint(middles).astype(int), 0, count - 1)] += 1e-3
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _along(volume: Tensor, matrix: Tensor, axis: int) -> Tensor:
    return torch.tensordot(matrix, volume, dims=([1], [axis])).movedim(0, axis)
