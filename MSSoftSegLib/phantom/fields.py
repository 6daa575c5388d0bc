"""Random smooth fields: the raw material of folds, borders, bias and texture.

A field is a cubic B-spline with random coefficients, evaluated axis by axis: smooth everywhere, and cheap at any resolution.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Shape = tuple[int, int, int]
# A cubic B-spline piece overlaps this many coefficients.
SUPPORT = 4


def smooth_field(shape: Shape, scale_voxels: float | Sequence[float], *, rng: np.random.Generator) -> np.ndarray:
    """A random float32 field (z, y, x), mean about 0 and SD about 1, whose bumps are about ``scale_voxels`` wide.

    scale_voxels: one number, or one per axis (z, y, x) for voxels that are not cubes.
    """
    scales = np.broadcast_to(np.asarray(scale_voxels, dtype=float), (3,))
    bases = [_spline_basis(n, float(scale)) for n, scale in zip(shape, scales, strict=True)]
    coefficients = rng.standard_normal([basis.shape[1] for basis in bases]).astype(np.float32)
    field = coefficients
    for basis in bases:
        # Contracts the leading axis and appends the result as the last: after three turns the order is (z, y, x) again.
        field = np.tensordot(field, basis, axes=(0, 1))
    field /= _expected_sd(bases)
    return np.ascontiguousarray(field, dtype=np.float32)


def _spline_basis(count: int, scale: float) -> np.ndarray:
    """Weights (voxels, coefficients) of a uniform cubic B-spline with knots ``scale`` voxels apart."""
    position = np.arange(count) / scale
    piece = np.floor(position).astype(int)
    t = position - piece
    weights = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1) / 6
    basis = np.zeros((count, int(piece[-1]) + SUPPORT), dtype=np.float32)
    for k in range(SUPPORT):
        basis[np.arange(count), piece + k] = weights[:, k]
    return basis


def _expected_sd(bases: Sequence[np.ndarray]) -> float:
    """Standard deviation of the spline of unit-variance coefficients: the product over axes of the mean weight energy."""
    return float(np.sqrt(np.prod([np.mean(np.sum(basis.astype(float) ** 2, axis=1)) for basis in bases])))


def white_noise(shape: Shape, *, rng: np.random.Generator) -> np.ndarray:
    """Independent standard normal values, float32."""
    return rng.standard_normal(shape, dtype=np.float32)
