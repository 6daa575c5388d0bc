"""From placed lesion labels to a soft lesion map: which lesions stay, how far they reach, how blurred their borders are."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from MSSoftSegLib.training.synthesis.fields import blur, smooth_field
from MSSoftSegLib.training.synthesis.placement import Placed

LARGEST_BLOB_VOXELS = 5


def draw_lesion_fraction(placed: Placed, *, rng: np.random.Generator) -> Tensor:
    """Fraction of each voxel that is lesion, (z, y, x), 0–1: the soft label."""
    kept = _kept_lesions(placed.lesion_labels, rng=rng)
    blobs = _small_blobs(placed.tissues[2], count=int(rng.integers(0, 25)), rng=rng)
    sharp = torch.maximum(kept, blobs)
    # A blurred mask cut at a random level is a mask grown or thinned, differently in each place.
    smooth = blur(sharp, rng.uniform(0.6, 0.9))
    level = rng.uniform(0.38, 0.60) + 0.06 * smooth_field(tuple(sharp.shape), 12, rng=rng)  # type: ignore[arg-type]
    steepness = rng.uniform(2.0, 5.0)
    fraction = ((smooth - level) * steepness + 0.5).clamp(0, 1)
    csf, gray, _ = placed.tissues
    # Fluid is never lesion, and cortex rarely: masks of one person land there on another.
    return fraction * (1 - csf).clamp(0, 1) * (1 - rng.uniform(0.3, 1.0) * gray).clamp(0, 1)


def _kept_lesions(labels: Tensor, *, rng: np.random.Generator) -> Tensor:
    count = int(labels.max()) if labels.numel() else 0
    keep_share = rng.uniform(0.1, 1.0) if rng.random() < 0.35 else 1.0
    keep = rng.random(count + 1) < keep_share
    keep[0] = False
    return torch.from_numpy(keep.astype(np.float32))[labels]


def _small_blobs(white: Tensor, *, count: int, rng: np.random.Generator) -> Tensor:
    """Ellipsoids of 1–5 voxels half-axis in white matter: small lesions are under-represented in consensus masks."""
    blobs = torch.zeros_like(white)
    candidates = torch.nonzero(white > 0.5)
    if count == 0 or len(candidates) == 0:
        return blobs
    for point in candidates[rng.integers(0, len(candidates), size=count)].tolist():
        half_axes = np.minimum(rng.gamma(3.0, 0.6, size=3) + 0.8, LARGEST_BLOB_VOXELS)
        window, inside = _ellipsoid(point, half_axes, white.shape)
        blobs[window] = torch.maximum(blobs[window], inside)
    return blobs


def _ellipsoid(point: list[int], half_axes: np.ndarray, shape: torch.Size) -> tuple[tuple[slice, ...], Tensor]:
    reach = LARGEST_BLOB_VOXELS + 1
    window = tuple(slice(max(0, p - reach), min(n, p + reach + 1)) for p, n in zip(point, shape, strict=True))
    axes = [(torch.arange(s.start, s.stop) - p) / float(a) for s, p, a in zip(window, point, half_axes, strict=True)]
    squared = sum(axis**2 for axis in torch.meshgrid(*axes, indexing="ij"))
    return window, (squared <= 1).float()  # type: ignore[union-attr]
