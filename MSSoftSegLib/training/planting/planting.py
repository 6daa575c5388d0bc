"""Other patients' lesions in a real brain: images of a real scanner with lesions of any number and size, and their truth known.

The brain's own lesions are filled first. What is planted has the shapes of the lesion bank, goes where that patient had them
(by the brains' moments), and is as much brighter or darker on each contrast as this exam's own lesions are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage

from MSSoftSegLib.training.data.augmentation.resolution import thick_slice_matrix
from MSSoftSegLib.training.planting.filling import WHITE_MATTER
from MSSoftSegLib.training.synthesis.draws import Draws
from MSSoftSegLib.training.synthesis.fields import Shape, smooth_field
from MSSoftSegLib.training.synthesis.lesion_bank import LesionShape, brain_moments
from MSSoftSegLib.training.synthesis.lesions import draw_lesion_fraction
from MSSoftSegLib.training.synthesis.placement import Placed

# Depth of what is called cortex where nothing but a distance is known.
CORTEX_VOXELS = 4.0
FLUID = -1.4
# Where an exam's own lesions are too few to measure: in units of the normalised image, by channel FLAIR, T1, T2.
USUAL_STEP = np.array([2.2, -1.6, 1.6])
ENOUGH_VOXELS = 100


@dataclass(frozen=True)
class Planted:
    """images (c, z, y, x) float32, normalised; label (z, y, x) float32, 0–1; draws by name."""

    images: np.ndarray
    label: np.ndarray
    draws: dict[str, object]


def lesion_step(images: np.ndarray, filled: np.ndarray, label: np.ndarray) -> np.ndarray:
    """(c,) how far the core of an exam's lesions lies from the tissue that took their place; 0 for an absent contrast."""
    core = label >= 0.75
    if core.sum() < ENOUGH_VOXELS:
        core = label >= 0.4
    present = images.reshape(len(images), -1).any(axis=1)
    if core.sum() < ENOUGH_VOXELS:
        return np.asarray(USUAL_STEP[: len(images)] * present)
    return (
        np.array([float(np.median((image - base)[core])) for image, base in zip(images, filled, strict=True)]) * present
    )


def plant_lesions(
    filled: np.ndarray,
    brain: np.ndarray,
    step: np.ndarray,
    lesions: Sequence[LesionShape],
    *,
    slice_voxels: float,
    rng: np.random.Generator,
) -> Planted:
    """One set of lesions in a filled exam.

    filled: (c, z, y, x), FLAIR first; step: (c,) from ``lesion_step``; slice_voxels: thickness of the exam's slices along z in
    voxels: what is planted is averaged over them, images and label alike, as a scanner averages (1 = not at all).
    """
    draws = Draws(rng)
    tissues = _guessed_tissues(filled[0], brain)
    chosen = [
        lesions[draws.integer(f"lesions_of_{k}", 0, len(lesions))] for k in range(1 + draws.chance("second", 0.3))
    ]
    labels = tuple(_carried(one, brain, draws.within(f"place{k}")) for k, one in enumerate(chosen))
    fraction = draw_lesion_fraction(Placed(tissues, labels), draws.within("lesions")) * torch.from_numpy(brain)
    if slice_voxels > 1.5:
        matrix = thick_slice_matrix(fraction.shape[0], slice_voxels)
        fraction = torch.tensordot(matrix, fraction, dims=([1], [0]))
    shape: Shape = tuple(fraction.shape)  # type: ignore[assignment]
    severity = draws.uniform("severity", 0.7, 1.6) * (
        1 + draws.uniform("variation", 0.05, 0.35) * smooth_field(shape, draws.uniform("bumps", 4, 12), rng=rng)
    ).clamp(0.3, 1.7)
    added = (fraction * severity).numpy()
    each = [draws.uniform(f"step{channel}", 0.75, 1.2) for channel in range(len(filled))]
    images = np.stack([image + added * step[c] * each[c] for c, image in enumerate(filled)])
    return Planted(images.astype(np.float32) * brain, fraction.clamp(0, 1).numpy().astype(np.float32), draws.record)


def _guessed_tissues(flair: np.ndarray, brain: np.ndarray) -> torch.Tensor:
    """Fluid, gray and white matter (3, z, y, x) as far as FLAIR and the depth below the brain's surface tell."""
    fluid = (flair < FLUID) & brain
    deep = ndimage.distance_transform_edt(brain)
    gray = brain & ~fluid & ((deep < CORTEX_VOXELS) | (flair > WHITE_MATTER[1]))
    white = brain & ~fluid & ~gray
    return torch.from_numpy(np.stack([fluid, gray, white]).astype(np.float32))


def _carried(source: LesionShape, brain: np.ndarray, draws: Draws) -> torch.Tensor:
    """Numbered lesions of another patient on this brain's grid, by both brains' moments."""
    center, spread = brain_moments(brain)
    ratio = source.brain_spread / spread * draws.vector("stretch", 0.95, 1.05)
    if draws.chance("is_mirrored", 0.5):
        ratio = ratio * np.array([1.0, 1.0, -1.0])
    offset = source.brain_center + draws.vector("moved", -3, 3) - ratio * center
    moved = ndimage.affine_transform(
        source.labels.astype(np.float32), ratio, offset, output_shape=brain.shape, order=0, mode="constant"
    )
    return torch.from_numpy(moved.astype(np.int64))
