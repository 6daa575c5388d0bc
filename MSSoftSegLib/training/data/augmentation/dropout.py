"""A contrast that was not acquired: one input that the model does not require is blanked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from MSSoftSegLib.training.data.sample import Sample
from MSSoftSegLib.training.recipe import AugmentationSettings


@dataclass(frozen=True)
class DropoutDraw:
    """channel: the one that is blanked, or None."""

    channel: int | None = None


def draw_dropout(
    settings: AugmentationSettings, *, rng: np.random.Generator, required: Sequence[bool], present: Sequence[bool]
) -> DropoutDraw:
    """One of the channels that are present and not required, with the recipe's chance; never the last one present."""
    candidates = [number for number, needed in enumerate(required) if present[number] and not needed]
    happens, choice = rng.random() < settings.modality_dropout, int(rng.integers(max(1, len(candidates))))
    if not happens or not candidates or sum(present) < 2:
        return DropoutDraw()
    return DropoutDraw(candidates[choice])


def apply_dropout(sample: Sample, draw: DropoutDraw) -> Sample:
    """The sample with that channel at 0, as an absent modality is given."""
    if draw.channel is None:
        return sample
    images = sample.images.clone()
    images[draw.channel] = 0.0
    return replace(sample, images=images)
