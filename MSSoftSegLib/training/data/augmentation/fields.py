"""Random smooth fields on a patch: cubic B-splines over random control points."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def spline_field(shape: tuple[int, ...], knot_voxels: float, *, channels: int, rng: np.random.Generator) -> Tensor:
    """Smooth fields (channels, *shape) float32, the largest absolute value of all exactly 1; control points knot_voxels apart."""
    bases = [_spline_basis(count, knot_voxels) for count in shape]
    points = rng.uniform(-1, 1, size=(channels, *(basis.shape[1] for basis in bases)))
    field = torch.from_numpy(points.astype(np.float32))
    # From the last axis on: the small ones first, so that only the last product is large.
    for axis in range(len(shape), 0, -1):
        field = apply_along_axis(field, bases[axis - 1], axis)
    return field.contiguous() / field.abs().max().clamp(min=1e-6)


def apply_along_axis(tensor: Tensor, matrix: Tensor, axis: int) -> Tensor:
    """The matrix (out, in) applied along one axis of a tensor."""
    if axis == tensor.ndim - 1:
        return tensor @ matrix.T
    before, after = tensor.shape[:axis], tensor.shape[axis + 1 :]
    columns = tensor.reshape(int(np.prod(before)), tensor.shape[axis], -1)
    return (matrix @ columns).reshape(*before, matrix.shape[0], *after)


def _spline_basis(count: int, knot_voxels: float) -> Tensor:
    """(count, points): weight of each control point at each voxel; rows sum to 1."""
    place = np.arange(count) / knot_voxels
    first = np.floor(place).astype(int)
    t = place - first
    weights = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1) / 6
    basis = np.zeros((count, int(first[-1]) + 4), np.float32)
    for number in range(4):
        basis[np.arange(count), first + number] = weights[:, number]
    return torch.from_numpy(basis)
