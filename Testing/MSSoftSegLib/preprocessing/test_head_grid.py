"""The grid of the whole head holds every field of view."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.preprocessing.head_grid import head_grid

from .small_heads import motion


def image(size, spacing, origin=(0.0, 0.0, 0.0)) -> sitk.Image:
    made = sitk.Image(size, sitk.sitkFloat32)
    made.SetSpacing(spacing)
    made.SetOrigin(origin)
    return made


def test_one_image_alone_keeps_its_field_of_view():
    # Voxel edges from -1 to 39 mm (x), -0.5 to 9.5 (y), -2 to 26 (z).
    grid = head_grid(image((20, 10, 7), (2.0, 1.0, 4.0)), [], spacing_mm=1.0)
    assert grid.size == (40, 10, 28)
    assert grid.origin_mm == pytest.approx((-0.5, 0.0, -1.5))


def test_what_another_image_shows_beyond_the_target_is_held():
    other = image((10, 10, 10), (1.0, 1.0, 1.0), origin=(0.0, 0.0, 30.0))
    # A point of the target's space lies 5 mm further up in the other image's: its 30 mm are 25 mm here.
    to_other = sitk.TranslationTransform(3, (0.0, 0.0, 5.0))
    grid = head_grid(image((10, 10, 10), (1.0, 1.0, 1.0)), [(other, to_other)], spacing_mm=1.0)
    assert grid.size == (10, 10, 35)


def test_the_axes_are_the_targets_in_canonical_order():
    target = image((12, 10, 8), (1.0, 1.0, 1.0))
    target.SetDirection(np.asarray(motion(degrees=(10.0, 0.0, 0.0), shift_mm=(0, 0, 0)).GetMatrix()).tolist())
    stored_otherwise = sitk.DICOMOrient(target, "RAI")
    first, second = (head_grid(stored, [], spacing_mm=1.0) for stored in (target, stored_otherwise))
    assert first.direction == pytest.approx(second.direction)
    assert first.direction == pytest.approx(target.GetDirection())
    assert first.origin_mm == pytest.approx(second.origin_mm)


def test_a_lost_image_does_not_make_the_grid_enormous():
    lost = image((10, 10, 10), (1.0, 1.0, 1.0), origin=(0.0, 90_000.0, 0.0))
    grid = head_grid(image((10, 10, 10), (1.0, 1.0, 1.0)), [(lost, sitk.Transform())], spacing_mm=1.0)
    assert max(grid.size) <= 400
