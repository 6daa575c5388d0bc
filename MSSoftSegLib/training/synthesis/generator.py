"""One synthetic patient as the network sees her: normalised images on the 1 mm working grid and a soft label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.training.synthesis.acquisition import acquire
from MSSoftSegLib.training.synthesis.anatomy_bank import TissueMaps
from MSSoftSegLib.training.synthesis.appearance import draw_appearance
from MSSoftSegLib.training.synthesis.draws import Draws
from MSSoftSegLib.training.synthesis.fields import Shape, blur, smooth_field
from MSSoftSegLib.training.synthesis.lesion_bank import LesionShape
from MSSoftSegLib.training.synthesis.lesions import draw_lesion_fraction
from MSSoftSegLib.training.synthesis.negatives import INNER_SHARE, distance_from_center
from MSSoftSegLib.training.synthesis.placement import place
from MSSoftSegLib.training.synthesis.slices import Slices, draw_protocol, interpolate_slices, slice_image

DROP_PROBABILITY = {Modality.T1: 0.15, Modality.T2: 0.15}
IQR_PER_SD = 1.349


@dataclass(frozen=True)
class SyntheticPatient:
    """images: (3, z, y, x) in the order of MODALITIES, normalised, 0 outside the brain; label: (1, z, y, x), 0–1.

    draws: every parameter that was drawn, by name.
    """

    images: Tensor
    label: Tensor
    draws: dict[str, Any]


def draw_patient(
    anatomies: Sequence[TissueMaps], lesions: Sequence[LesionShape], shape: Shape, *, rng: np.random.Generator
) -> SyntheticPatient:
    """Draw one patient; everything random comes from rng, so a seed replays her."""
    draws = Draws(rng)
    anatomy = anatomies[draws.integer("anatomy", 0, len(anatomies))]
    placed = place(anatomy, lesions, shape, draws.within("place"))
    label = draw_lesion_fraction(placed, draws.within("lesions"))
    appearance = draw_appearance(placed.tissues, label, draws.within("look"))
    brain = _brain_mask(placed.tissues, draws.within("brain_mask"))
    protocol = draw_protocol(draws.within("protocol"))
    images = torch.zeros(len(MODALITIES), *shape)
    for channel, modality in enumerate(MODALITIES):
        scan = draws.within(f"scan.{modality.value}")
        if scan.chance("is_missing", DROP_PROBABILITY.get(modality, 0.0)):
            continue
        image = acquire(appearance[modality], scan, modality=modality, slices=protocol[modality])
        images[channel] = normalize_tensor(image, brain)
    return SyntheticPatient(images, (_as_acquired(label, protocol[Modality.FLAIR]) * brain)[None], draws.record)


def _as_acquired(label: Tensor, slices: Slices | None) -> Tensor:
    """What a slice's profile averages is soft by physics: the label is seen through FLAIR's slices, as raters see it."""
    if slices is None:
        return label
    return interpolate_slices(slice_image(label, slices), slices, tuple(label.shape))  # type: ignore[arg-type]


def normalize_tensor(image: Tensor, brain: Tensor) -> Tensor:
    """(x − median) / (IQR / 1.349) inside the brain, 0 outside: the tensor twin of preprocessing's 'median-iqr'."""
    inside = image[brain]
    low, middle, high = np.percentile(inside.numpy(), [25, 50, 75])
    return (image - float(middle)) / max(float(high - low) / IQR_PER_SD, 1e-6) * brain


def _brain_mask(tissues: Tensor, draws: Draws) -> Tensor:
    """A brain mask with the errors of an extraction: up to about 2 mm too wide or too narrow, differently in each place.

    Extractions differ most in how much of the fluid over the cortex they keep.
    """
    shape: Shape = tuple(tissues.shape[1:])  # type: ignore[assignment]
    outer_fluid = tissues[0] * (distance_from_center(shape) > INNER_SHARE)
    inside = (tissues.sum(dim=0) - draws.uniform("outer_fluid_lost", 0, 1) * outer_fluid).clamp(0, 1)
    level = draws.uniform("level", 0.30, 0.75) + 0.08 * smooth_field(shape, 25, rng=draws.rng)
    return blur(inside, 2.0) > level
