"""Linear maps as matrices, against SimpleITK's own way of moving points."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.exam.linear import chain_transforms, make_affine, matrix_of, move_points


def some_map(seed: int) -> sitk.Transform:
    """A rigid motion about a center of its own, or an affine map, or both in one."""
    rng = np.random.default_rng(seed)
    rigid = sitk.Euler3DTransform(rng.uniform(-50, 50, 3).tolist(), *rng.uniform(-1, 1, 3).tolist())
    rigid.SetTranslation(rng.uniform(-30, 30, 3).tolist())
    stretched = sitk.AffineTransform((np.eye(3) + rng.uniform(-0.2, 0.2, (3, 3))).ravel().tolist(), (1.0, -2.0, 3.0))
    return (rigid, stretched, sitk.CompositeTransform([rigid, stretched]))[seed % 3]


@pytest.mark.parametrize("seed", range(9))
def test_points_move_as_simpleitk_moves_them(seed):
    found, other = some_map(seed), some_map(seed + 10)
    points = np.random.default_rng(seed).uniform(-100, 100, (20, 3))
    expected = [found.TransformPoint(point) for point in points.tolist()]
    np.testing.assert_allclose(move_points(points, matrix_of(found)), expected, atol=1e-9)
    both = [found.TransformPoint(other.TransformPoint(point)) for point in points.tolist()]
    np.testing.assert_allclose(
        [chain_transforms(found, other).TransformPoint(p) for p in points.tolist()], both, atol=1e-9
    )
    np.testing.assert_allclose(matrix_of(make_affine(matrix_of(found))), matrix_of(found), atol=1e-12)
