"""Made-up probability maps with lesions of known place."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

BRAIN_SHAPE = (182, 218, 182)


def lesion_map(
    shape: tuple[int, int, int] = BRAIN_SHAPE, *, lesions: int = 50, largest_mm: float = 9.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Probability and entropy, float32 (z, y, x): smooth bumps of different heights and sizes, some of them touching."""
    rng = np.random.default_rng(seed)
    probability = np.zeros(shape, np.float32)
    for _ in range(lesions):
        center = [rng.uniform(0.2, 0.8) * size for size in shape]
        radii = rng.uniform(1.5, largest_mm, 3)
        box = tuple(
            slice(max(0, int(c - 2.5 * r)), min(size, int(c + 2.5 * r) + 2))
            for c, r, size in zip(center, radii, shape, strict=True)
        )
        grid = np.ogrid[box]
        distance = sum(((axis - c) / r) ** 2 for axis, c, r in zip(grid, center, radii, strict=True))
        rough = ndimage.gaussian_filter(rng.normal(size=np.broadcast_shapes(*(g.shape for g in grid))), 1.0)
        bump = rng.uniform(0.3, 0.99) * np.exp(-0.5 * distance) * np.clip(1 + rough, 0, 2)
        probability[box] = np.maximum(probability[box], bump)
    probability = np.clip(probability, 0, 1).astype(np.float32)
    p = np.clip(probability.astype(np.float64), 1e-12, 1 - 1e-12)
    entropy = (-p * np.log(p) - (1 - p) * np.log(1 - p)).astype(np.float32)
    return probability, entropy
