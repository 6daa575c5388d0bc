"""From placed lesions to a soft lesion map: which stay, which are added, how far they reach, how blurred their borders are."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from MSSoftSegLib.training.synthesis.draws import Draws
from MSSoftSegLib.training.synthesis.fields import Shape, blur, smooth_field
from MSSoftSegLib.training.synthesis.negatives import INNER_SHARE, distance_from_center
from MSSoftSegLib.training.synthesis.placement import Placed

LARGEST_BLOB_VOXELS = 8
# People without a lesion: what is bright in them teaches what is none.
LESION_FREE_PROBABILITY = 0.12
# Lesions that consensus masks under-represent, and the greatest number of each that is added.
ADDED = {"periventricular": 8, "juxtacortical": 10, "anywhere": 12}


def draw_lesion_fraction(placed: Placed, draws: Draws) -> Tensor:
    """Fraction of each voxel that is lesion, (z, y, x), 0–1: the soft label."""
    shape: Shape = tuple(placed.tissues.shape[1:])  # type: ignore[assignment]
    sharp = torch.zeros(shape)
    if draws.chance("is_lesion_free", LESION_FREE_PROBABILITY):
        return sharp
    for number, labels in enumerate(placed.lesion_labels):
        sharp = torch.maximum(sharp, _kept_lesions(labels, draws.within(f"patient{number}")))
    sharp = torch.maximum(sharp, _added_lesions(placed.tissues, draws.within("added")))
    # A blurred mask cut at a random level is a mask grown or thinned, differently in each place.
    smooth = blur(sharp, draws.uniform("softness", 0.6, 0.9))
    level = draws.uniform("level", 0.38, 0.60) + 0.06 * smooth_field(shape, 12, rng=draws.rng)
    fraction = ((smooth - level) * draws.uniform("steepness", 2.0, 5.0) + 0.5).clamp(0, 1)
    csf, gray, _ = placed.tissues
    # Fluid is never lesion, and cortex rarely: masks of one person land there on another.
    return fraction * (1 - csf).clamp(0, 1) * (1 - draws.uniform("spared_gray", 0.3, 1.0) * gray).clamp(0, 1)


def _kept_lesions(labels: Tensor, draws: Draws) -> Tensor:
    count = int(labels.max()) if labels.numel() else 0
    keep_share = draws.uniform("kept_share", 0.1, 1.0) if draws.chance("is_thinned_out", 0.35) else 1.0
    keep = draws.rng.random(count + 1) < keep_share
    keep[0] = False
    return torch.from_numpy(keep.astype(np.float32))[labels]


def _added_lesions(tissues: Tensor, draws: Draws) -> Tensor:
    """Small ellipsoids: at the ventricles (Dawson's fingers), under the cortex, anywhere in white matter."""
    csf, gray, white = tissues
    inner = distance_from_center(tuple(white.shape)) < INNER_SHARE
    where = {
        "periventricular": (white > 0.5) & (blur(csf * inner, 2.0) > 0.12),
        "juxtacortical": (white > 0.4) & (blur(gray, 1.5) > 0.3) & ~inner,
        "anywhere": white > 0.5,
    }
    blobs = torch.zeros_like(white)
    for place, most in ADDED.items():
        points = torch.nonzero(where[place])
        count = draws.integer(place, 0, most + 1) if draws.chance(f"has_{place}", 0.6) else 0
        if len(points) == 0:
            continue
        for point in points[draws.rng.integers(0, len(points), size=count)].tolist():
            _add_ellipsoid(blobs, point, _half_axes(place, draws.rng), draws.rng)
    return blobs


def _half_axes(place: str, rng: np.random.Generator) -> np.ndarray:
    """Half-axes in voxels (z, y, x)."""
    axes = np.minimum(rng.gamma(3.0, 0.6, size=3) + 0.8, 5.0)
    if place == "periventricular":
        axes[2] = min(axes[2] * rng.uniform(1.0, 2.0), LARGEST_BLOB_VOXELS)
    return axes


def _add_ellipsoid(blobs: Tensor, point: list[int], half_axes: np.ndarray, rng: np.random.Generator) -> None:
    reach = LARGEST_BLOB_VOXELS + 1
    window = tuple(slice(max(0, p - reach), min(n, p + reach + 1)) for p, n in zip(point, blobs.shape, strict=True))
    axes = [torch.arange(s.start, s.stop, dtype=torch.float32) - p for s, p in zip(window, point, strict=True)]
    offsets = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    # Turned a little about the long axis of the head: fingers radiate, they do not all lie left–right.
    angle = rng.uniform(-0.7, 0.7)
    y, x = offsets[..., 1].clone(), offsets[..., 2].clone()
    offsets[..., 1], offsets[..., 2] = y * np.cos(angle) - x * np.sin(angle), y * np.sin(angle) + x * np.cos(angle)
    inside = (offsets / torch.tensor(half_axes, dtype=torch.float32)).square().sum(dim=-1) <= 1
    blobs[window] = torch.maximum(blobs[window], inside.float())
