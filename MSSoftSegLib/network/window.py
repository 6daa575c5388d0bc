"""What a network sees of a brain at a time: one rule for recipes, bundles and estimates of time. No torch here."""

from __future__ import annotations

import math
from collections.abc import Sequence

from MSSoftSegLib.network.description import DynUNetDescription, ModelDescription, NetworkDescription

Window = tuple[int, int, int]
# Share of a window that its neighbor sees too. nnU-Net's windows share a half; half takes the lesion U-Net half as long again.
DEFAULT_OVERLAP = 0.5
OVERLAPS = {"lesion-unet": 0.25}


def window_in_use(chosen: Window | None, network: NetworkDescription, *, mode: object, size: object) -> Window | None:
    """The window (z, y, x) that a network looks through; None where it takes the brain whole.

    chosen: what a recipe or a bundle asks for. Without that, a DynUNet looks through the patch that it was trained on (mode and
    size of its recipe's sampling): its instance normalization then sees in use what it saw in training.
    """
    if chosen is not None:
        return chosen
    trained_on_patches = isinstance(network, DynUNetDescription) and mode == "patch"
    if not trained_on_patches or not isinstance(size, list | tuple) or len(size) != 3:
        return None
    return int(size[0]), int(size[1]), int(size[2])


def window_of(description: ModelDescription) -> Window | None:
    """The window (z, y, x) of a bundle's networks; its recipe is a record that may lack anything."""
    sampling = description.recipe.get("sampling")
    known = sampling if isinstance(sampling, dict) else {}
    return window_in_use(description.window, description.network, mode=known.get("mode"), size=known.get("size"))


def window_overlap(kind: str) -> float:
    """Share (0–1) of a window that its neighbor sees too, for a kind of network."""
    return OVERLAPS.get(kind, DEFAULT_OVERLAP)


def looks_per_voxel(shape: Sequence[int], window: Window | None, overlap: float) -> float:
    """How often a voxel of a brain (z, y, x) is looked at on average; 1 without a window."""
    times = 1.0
    for length, side in zip(shape, window or shape, strict=True):
        count = 1 if length <= side else math.ceil((length - side) / (side * (1 - overlap))) + 1
        times *= count * side / max(length, side)
    return times
