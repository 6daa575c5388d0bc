"""Rigid and affine maps of space as 4×4 matrices, LPS mm."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk


def matrix_of(transform: sitk.Transform) -> np.ndarray:
    """4×4 matrix of a linear transform, read off at four points: whatever kind of transform says it, also several in one."""
    matrix = np.eye(4)
    matrix[:3, 3] = transform.TransformPoint((0.0, 0.0, 0.0))
    for axis, unit in enumerate(np.eye(3)):
        matrix[:3, axis] = np.asarray(transform.TransformPoint(tuple(unit))) - matrix[:3, 3]
    return matrix


def make_affine(matrix: np.ndarray) -> sitk.AffineTransform:
    """A 4×4 matrix as a transform."""
    transform = sitk.AffineTransform(3)
    transform.SetMatrix([float(v) for v in matrix[:3, :3].ravel()])
    transform.SetTranslation([float(v) for v in matrix[:3, 3]])
    return transform


def move_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points (n, 3) under a 4×4 matrix."""
    result: np.ndarray = points @ matrix[:3, :3].T + matrix[:3, 3]
    return result


def chain_transforms(outer: sitk.Transform, inner: sitk.Transform) -> sitk.AffineTransform:
    """One linear transform that takes a point p to outer(inner(p))."""
    return make_affine(matrix_of(outer) @ matrix_of(inner))
