"""One synthetic patient as the network sees her: normalised images on the 1 mm working grid and a soft label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.training.synthesis.acquisition import acquire
from MSSoftSegLib.training.synthesis.anatomy_bank import TissueMaps
from MSSoftSegLib.training.synthesis.appearance import draw_appearance
from MSSoftSegLib.training.synthesis.fields import Shape, blur, smooth_field
from MSSoftSegLib.training.synthesis.lesion_bank import LesionShape
from MSSoftSegLib.training.synthesis.lesions import draw_lesion_fraction
from MSSoftSegLib.training.synthesis.placement import place

DROP_PROBABILITY = {Modality.T1: 0.15, Modality.T2: 0.15}
IQR_PER_SD = 1.349


@dataclass(frozen=True)
class SyntheticPatient:
    """images: (3, z, y, x) in the order of MODALITIES, normalised, 0 outside the brain; label: (1, z, y, x), 0–1."""

    images: Tensor
    label: Tensor


def draw_patient(
    anatomies: Sequence[TissueMaps], lesions: Sequence[LesionShape], shape: Shape, *, rng: np.random.Generator
) -> SyntheticPatient:
    """Draw one patient; everything random comes from rng, so a seed replays her."""
    anatomy = anatomies[int(rng.integers(len(anatomies)))]
    placed = place(anatomy, lesions[int(rng.integers(len(lesions)))], shape, rng=rng)
    label = draw_lesion_fraction(placed, rng=rng)
    appearance = draw_appearance(placed.tissues, label, rng=rng)
    brain = _brain_mask(placed.tissues.sum(dim=0), rng=rng)
    images = torch.zeros(len(MODALITIES), *shape)
    for channel, modality in enumerate(MODALITIES):
        if rng.random() < DROP_PROBABILITY.get(modality, 0.0):
            continue
        image = acquire(appearance[modality], aligned=modality is Modality.FLAIR, rng=rng)
        images[channel] = normalized(image, brain)
    return SyntheticPatient(images, (label * brain)[None])


def normalized(image: Tensor, brain: Tensor) -> Tensor:
    """(x − median) / (IQR / 1.349) inside the brain, 0 outside: the tensor twin of preprocessing's 'median-iqr'."""
    inside = image[brain]
    low, middle, high = np.percentile(inside.numpy(), [25, 50, 75])
    return (image - float(middle)) / max(float(high - low) / IQR_PER_SD, 1e-6) * brain


def _brain_mask(inside: Tensor, *, rng: np.random.Generator) -> Tensor:
    """A brain mask with the errors of an extraction: up to about 2 mm too wide or too narrow, differently in each place."""
    level = rng.uniform(0.25, 0.80) + 0.08 * smooth_field(tuple(inside.shape), 25, rng=rng)  # type: ignore[arg-type]
    return blur(inside.clamp(0, 1), 2.0) > level
