"""How a head lies in the scanner, and how it moved between contrasts: rigid transforms that are known."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk


def draw_move(*, limit_deg: float, limit_mm: float, rng: np.random.Generator) -> sitk.Euler3DTransform:
    """A rigid transform about the middle of the brain; its turn and its shift lie below their limits, and above a third."""
    sign = rng.choice([-1.0, 1.0], size=6)
    size = rng.uniform(1 / 3, 1.0, size=6)
    # The limits hold for the whole turn and the whole shift, not for each component.
    angles = sign[:3] * size[:3] * np.deg2rad(limit_deg) / np.sqrt(3)
    shift = sign[3:] * size[3:] * limit_mm / np.sqrt(3)
    move = sitk.Euler3DTransform()
    move.SetRotation(*(float(v) for v in angles))
    move.SetTranslation([float(v) for v in shift])
    return move


def compose(then: sitk.Euler3DTransform, first: sitk.Euler3DTransform) -> sitk.Euler3DTransform:
    """One rigid transform that maps a point p to then(first(p))."""
    outer, inner = _matrix(then), _matrix(first)
    both = outer @ inner
    result = sitk.Euler3DTransform()
    result.SetMatrix([float(v) for v in both[:3, :3].ravel()], 1e-8)
    result.SetTranslation([float(v) for v in both[:3, 3]])
    return result


def invert(move: sitk.Euler3DTransform) -> sitk.Euler3DTransform:
    """The way back."""
    back = np.linalg.inv(_matrix(move))
    result = sitk.Euler3DTransform()
    result.SetMatrix([float(v) for v in back[:3, :3].ravel()], 1e-8)
    result.SetTranslation([float(v) for v in back[:3, 3]])
    return result


def _matrix(move: sitk.Euler3DTransform) -> np.ndarray:
    """4×4 matrix of a rigid transform, its center of rotation included."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(move.GetMatrix(), (3, 3))
    matrix[:3, 3] = move.TransformPoint((0.0, 0.0, 0.0))
    return matrix
