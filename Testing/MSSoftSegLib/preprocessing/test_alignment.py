"""Alignment is judged by where it puts points of the brain, against motions that the test itself made."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import JobFailed
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing import alignment, elastix
from MSSoftSegLib.preprocessing.alignment import align_rigidly
from Testing.patience import HANGING_S

from .small_heads import brain, carried, head, motion

MOTION = motion(degrees=(7.0, -4.0, 5.0), shift_mm=(6.0, -5.0, 4.0))


def brain_points():
    mask = brain()
    index = np.argwhere(sitk.GetArrayFromImage(mask))[::400, ::-1]
    return [mask.TransformIndexToPhysicalPoint(point.tolist()) for point in index]


def displacement_mm(found, true):
    pairs = [(found.TransformPoint(p), true.TransformPoint(p)) for p in brain_points()]
    return float(np.mean([np.linalg.norm(np.subtract(a, b)) for a, b in pairs]))


def angle_deg(found, true):
    difference = np.reshape(found.GetMatrix(), (3, 3)) @ np.reshape(true.GetMatrix(), (3, 3)).T
    return float(np.degrees(np.arccos(np.clip((np.trace(difference) - 1) / 2, -1, 1))))


@pytest.fixture(scope="module")
def found():
    return align_rigidly(carried(head(Modality.T2), MOTION), head(Modality.T1))


def test_a_known_motion_between_two_contrasts_is_found_in_the_direction_that_resampling_expects(found):
    assert displacement_mm(found.moving_from_fixed, MOTION) < 0.5
    assert angle_deg(found.moving_from_fixed, MOTION) < 0.5


def test_mutual_information_rises(found):
    assert found.mutual_information_after > 1.2 * found.mutual_information_before


def test_the_same_images_give_the_same_transform_to_the_last_bit(found):
    again = align_rigidly(carried(head(Modality.T2), MOTION), head(Modality.T1))
    assert again.moving_from_fixed.GetParameters() == found.moving_from_fixed.GetParameters()
    assert again == found or again.mutual_information_after == found.mutual_information_after


def test_the_order_in_which_a_file_stores_its_axes_does_not_matter(found):
    fixed = sitk.DICOMOrient(head(Modality.T1), "RIA")
    moving = sitk.Flip(sitk.PermuteAxes(carried(head(Modality.T2), MOTION), (2, 0, 1)), (True, False, False))
    other = align_rigidly(moving, fixed)
    assert displacement_mm(other.moving_from_fixed, found.moving_from_fixed) < 1e-6


def test_the_last_digits_of_a_header_do_not_matter():
    small = motion(degrees=(1.0, -1.0, 1.0), shift_mm=(1.0, 2.0, 1.0))
    fixed, moving = head(Modality.T1), carried(head(Modality.T2), small)
    found = align_rigidly(moving, fixed)
    moving.SetOrigin((np.asarray(moving.GetOrigin()) + 4e-6).tolist())
    moving.SetSpacing((np.asarray(moving.GetSpacing()) + 4e-8).tolist())
    other = align_rigidly(moving, fixed)
    # The head itself was moved by 0.000007 mm.
    assert displacement_mm(other.moving_from_fixed, found.moving_from_fixed) < 2e-5


def test_thick_oblique_slices_are_aligned_to_half_a_millimetre():
    grid = carried(head(Modality.FLAIR, spacing_mm=2.0), motion(degrees=(0.0, 0.0, 0.0), shift_mm=(0.0, 0.0, 0.0)))
    thick = sitk.BinShrink(grid, (1, 1, 3))
    found = align_rigidly(carried(thick, MOTION), head(Modality.T1, spacing_mm=2.0))
    assert displacement_mm(found.moving_from_fixed, MOTION) < 0.5


def test_an_image_aligned_with_itself_stays_where_its_header_says():
    image = head(Modality.FLAIR)
    found = align_rigidly(image, image)
    assert found.moving_from_fixed.GetParameters() == (0.0,) * 6
    assert found.mutual_information_after == found.mutual_information_before


@pytest.fixture
def no_registration(monkeypatch):
    def refuse(*_images, **_settings):
        raise AssertionError("registered")

    monkeypatch.setattr(alignment, "register", refuse)


def test_images_that_match_as_they_lie_on_one_grid_are_not_registered(no_registration):
    found = align_rigidly(head(Modality.T2), head(Modality.T1))
    assert found.moving_from_fixed.GetParameters() == (0.0,) * 6
    assert found.mutual_information_after == found.mutual_information_before > 0


@pytest.mark.parametrize(
    ("degrees", "shift_mm"), [((0.0, 0.0, 0.0), (1.5, 0.0, 0.0)), ((0.0, 3.0, 0.0), (0.0, 0.0, 0.0))]
)
def test_that_they_lie_on_one_grid_is_not_believed(no_registration, degrees, shift_mm):
    fixed, moved = head(Modality.T1), carried(head(Modality.T2), motion(degrees=degrees, shift_mm=shift_mm))
    on_one_grid = sitk.Resample(moved, fixed, sitk.Transform(), sitk.sitkLinear)
    with pytest.raises(AssertionError, match="registered"):
        align_rigidly(on_one_grid, fixed)


def test_headers_that_place_the_heads_far_apart_do_not_hinder():
    far = motion(degrees=(0.0, 0.0, 8.0), shift_mm=(150.0, -90.0, 200.0))
    found = align_rigidly(carried(head(Modality.T2), far), head(Modality.T1))
    assert displacement_mm(found.moving_from_fixed, far) < 0.5


def test_an_image_without_structure_is_refused_in_words():
    flat = sitk.Image((20, 20, 20), sitk.sitkFloat32) + 1.0
    with pytest.raises(JobFailed, match="—"):
        align_rigidly(flat, head(Modality.T1))


def test_elastix_neither_speaks_nor_leaves_files(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    align_rigidly(carried(head(Modality.T2), MOTION), head(Modality.T1))
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_the_pipeline_is_imported_without_the_slow_package_itk():
    code = "import sys, MSSoftSegLib.preprocessing.pipeline; sys.exit('itk' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=HANGING_S).returncode == 0


def test_only_the_parts_of_itk_that_are_used_are_loaded():
    code = "import sys; from MSSoftSegLib.preprocessing.elastix import load_elastix; load_elastix(); "
    code += (
        "sys.exit('itk.ITKImageIntensityPython' in sys.modules or 'itk.elxParameterObjectPython' not in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=HANGING_S).returncode == 0


def test_elastix_by_itks_public_names_answers_the_same(monkeypatch):
    """Another version of itk may keep its classes elsewhere."""
    moving, fixed = carried(head(Modality.T2), MOTION), head(Modality.T1)
    expected = align_rigidly(moving, fixed)

    def elsewhere():
        raise ImportError

    monkeypatch.setattr(elastix, "_own_modules", elsewhere)
    elastix._classes.cache_clear()
    try:
        found = align_rigidly(moving, fixed)
    finally:
        elastix._classes.cache_clear()
    assert found.moving_from_fixed.GetParameters() == expected.moving_from_fixed.GetParameters()
