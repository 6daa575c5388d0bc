"""The atlas is found again from a start that is wrong by degrees and millimeters."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.region import registration
from MSSoftSegLib.region.atlas_regions import read_atlas_regions
from MSSoftSegLib.region.registration import find_affine_start, recall_atlas_from_exam, search_affine


@pytest.fixture(scope="module")
def atlas():
    return read_atlas_regions()


def worst_mm(transform, tissue):
    """How far the transform takes the corners of the middle half of an image that it should leave where they are."""
    size = np.array(tissue.GetSize())
    corners = [size * (0.25 + 0.5 * np.array(c)) for c in np.ndindex(2, 2, 2)]
    points = [tissue.TransformContinuousIndexToPhysicalPoint(c.tolist()) for c in corners]
    return max(float(np.linalg.norm(np.subtract(transform.TransformPoint(p), p))) for p in points)


def test_most_of_an_error_of_the_start_is_gone_after_the_affine_search(atlas):
    tissue = atlas.tissue[0]
    off = find_affine_start(atlas, tissue)
    off.Rotate(0, 2, np.deg2rad(3))
    off.Scale(1.03)
    off.Translate((3, -4, 0))
    before = sitk.AffineTransform(off)
    assert worst_mm(off, tissue) > 8
    # Not all: the search stops where the gradient is small, and leaves 3 mm of 9 to the deformation.
    assert worst_mm(search_affine(off, atlas, tissue), tissue) < 4
    assert off.GetParameters() == before.GetParameters()


def test_a_transform_that_is_remembered_is_the_one_that_was_found(atlas, monkeypatch, tmp_path):
    """Bit for bit: a second click must not move a border."""
    monkeypatch.setattr(registration, "LEVELS", ((3, 1.5), (2, 1.5)))
    smaller = sitk.AffineTransform(3)
    smaller.Scale(1.06)
    tissue = sitk.Resample(atlas.tissue[0], smaller)
    cache = StepCache(tmp_path)
    found = recall_atlas_from_exam(atlas, tissue, cache)
    monkeypatch.setattr(registration, "find_deformation", None)
    again = recall_atlas_from_exam(atlas, tissue, cache)
    points = np.random.default_rng(0).uniform(-60, 60, size=(50, 3)).tolist()
    moved = [found.TransformPoint(p) for p in points]
    assert [again.TransformPoint(p) for p in points] == moved
    assert np.linalg.norm(np.subtract(moved, points), axis=1).max() > 2, "something was to be found"
