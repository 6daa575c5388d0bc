"""The half-way space: midway between two visits, so that neither is interpolated more than the other.

If M takes a point of the earlier visit's space to the later one's, H with H·H = M takes it half the way. Comparing in the space
between keeps what interpolation does to an image equal on both sides (Reuter, Schmansky, Rosas, Fischl 2012, NeuroImage 61:1402);
with the visits swapped M becomes its inverse, H its inverse, and the space between stays where it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from MSSoftSegLib.exam.linear import make_affine, move_points

# Rigid motions further than this from orthonormal were never rigid.
ORTHONORMAL_TOLERANCE = 1e-4


@dataclass(frozen=True)
class HalfWay:
    """Where points of the space between lie at both visits (LPS mm), as sitk.Resample expects to bring an image here.

    disagreement_mm: mean distance, over the brain, between where the two directions of registration put a point: small where
    registration knew what it did. moved_mm, turned_deg: how far the head lay apart between the visits.
    """

    before_from_midpoint: sitk.AffineTransform
    after_from_midpoint: sitk.AffineTransform
    disagreement_mm: float
    moved_mm: float
    turned_deg: float


def half_way(
    after_from_before: np.ndarray, before_from_after: np.ndarray, brain_points_mm: np.ndarray | None = None
) -> HalfWay:
    """The space between from the two directions of one registration, 4×4 rigid matrices in LPS mm.

    The two are averaged first: M = T·√(T⁻¹·S⁻¹) for T = after_from_before and S = before_from_after, which is inverted when
    the visits are swapped. brain_points_mm: points (n, 3) of the earlier visit's brain, for the disagreement.
    """
    first, second = _rigid(after_from_before), _rigid(np.linalg.inv(before_from_after))
    motion = first @ square_root(np.linalg.inv(first) @ second)
    half = square_root(motion)
    points = np.zeros((1, 3)) if brain_points_mm is None else brain_points_mm
    apart = move_points(points, first) - move_points(points, second)
    center = points.mean(axis=0, keepdims=True)
    return HalfWay(
        before_from_midpoint=make_affine(np.linalg.inv(half)),
        after_from_midpoint=make_affine(half),
        disagreement_mm=float(np.linalg.norm(apart, axis=1).mean()),
        moved_mm=float(np.linalg.norm(move_points(center, motion) - center)),
        turned_deg=float(np.degrees(Rotation.from_matrix(motion[:3, :3]).magnitude())),
    )


def square_root(motion: np.ndarray) -> np.ndarray:
    """The rigid 4×4 matrix that, applied twice, is the motion: half the turn about the same axis.

    A turn by half a circle has no one half; heads are not turned so (ValueError).
    """
    turn = Rotation.from_matrix(motion[:3, :3]).as_rotvec()
    if np.linalg.norm(turn) > np.pi - 1e-3:
        raise ValueError("a turn by half a circle cannot be halved")
    root = np.eye(4)
    root[:3, :3] = Rotation.from_rotvec(turn / 2).as_matrix()
    # (I + R½)·t½ = t, from applying the half twice.
    root[:3, 3] = np.linalg.solve(np.eye(3) + root[:3, :3], motion[:3, 3])
    return root


def _rigid(matrix: np.ndarray) -> np.ndarray:
    turn = matrix[:3, :3]
    if not np.allclose(turn @ turn.T, np.eye(3), atol=ORTHONORMAL_TOLERANCE) or np.linalg.det(turn) < 0:
        raise ValueError("the motion between two visits of one head is rigid")
    exact = np.array(matrix, dtype=float)
    exact[:3, :3] = Rotation.from_matrix(turn).as_matrix()
    return exact
