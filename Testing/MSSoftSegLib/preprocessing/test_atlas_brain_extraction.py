"""Brain extraction by the atlas, on heads whose brain is known because the test made them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.brain_extraction import atlas_registration
from MSSoftSegLib.preprocessing.brain_extraction.atlas import extract_brain_with_atlas
from MSSoftSegLib.preprocessing.brain_extraction.atlas_maps import read_atlas
from MSSoftSegLib.preprocessing.brain_extraction.atlas_pose import PoseSearch, _coarse, _levels
from MSSoftSegLib.preprocessing.brain_extraction.morphology import CLOSING_MM, OPENING_MM, smooth_solid

from .small_heads import brain, head

SPACING_MM = 2.0


def patient_from_atlas() -> sitk.AffineTransform:
    """A smaller, longer brain, nodding by 14° and turned, far from the atlas's place."""
    shape = sitk.AffineTransform(3)
    shape.SetCenter((0.0, -20.0, 0.0))
    shape.Scale((0.88, 0.95, 0.9))
    shape.Rotate(1, 2, np.deg2rad(14.0))
    shape.Rotate(0, 1, np.deg2rad(6.0))
    shape.Translate((25.0, -40.0, 60.0))
    return shape


def placed(image: sitk.Image, interpolator: int) -> sitk.Image:
    """The image as this patient's, on a 2 mm grid that cuts off the lowest part of the neck."""
    transform = patient_from_atlas()
    corner = np.asarray(transform.TransformPoint((0.0, -20.0, 0.0))) - (105, 125, 115)
    grid = Grid((105, 125, 110), (SPACING_MM,) * 3, tuple(corner.tolist()), tuple(np.eye(3).ravel().tolist()))
    return sitk.Resample(image, grid.reference(), transform.GetInverse(), interpolator, 0.0, image.GetPixelID())


@pytest.fixture(scope="module")
def patient():
    images = {m: placed(head(m, spacing_mm=SPACING_MM), sitk.sitkLinear) for m in (Modality.FLAIR, Modality.T1)}
    return images, placed(brain(spacing_mm=SPACING_MM), sitk.sitkNearestNeighbor)


@pytest.fixture(scope="module")
def told():
    """What progress was told while the brain was extracted from FLAIR."""
    return []


@pytest.fixture(scope="module")
def from_flair(patient, told):
    return extract_brain_with_atlas({Modality.FLAIR: patient[0][Modality.FLAIR]}, progress=told.append)


def dice(first: sitk.Image, second: sitk.Image) -> float:
    a, b = voxels(first) > 0, voxels(second) > 0
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def test_flair_alone_is_enough(patient, from_flair):
    assert have_same_grid(from_flair, patient[1])
    assert from_flair.GetPixelID() == sitk.sitkUInt8
    assert set(np.unique(voxels(from_flair))) == {0, 1}
    assert dice(from_flair, patient[1]) > 0.95


def test_t1_does_not_make_it_worse(patient):
    assert dice(extract_brain_with_atlas(patient[0]), patient[1]) > 0.95


def test_the_order_in_which_the_images_are_stored_does_not_matter(patient, from_flair):
    stored = sitk.DICOMOrient(patient[0][Modality.FLAIR], "SAR")
    found = extract_brain_with_atlas({Modality.FLAIR: stored})
    assert have_same_grid(found, stored)
    assert np.array_equal(voxels(sitk.DICOMOrient(found, "LPS")), voxels(from_flair))


def test_a_registration_that_grew_onto_the_skull_is_not_believed(patient, monkeypatch):
    flair = patient[0][Modality.FLAIR]

    def grown(template, region, image, pose):
        found = sitk.AffineTransform(pose)
        found.Scale(1.3)
        return found

    monkeypatch.setattr(atlas_registration, "_refined", grown)
    found = atlas_registration.register_atlas(read_atlas(), flair)
    width = np.cbrt(np.linalg.det(np.reshape(found.GetMatrix(), (3, 3))))
    assert 0.75 <= width <= 0.97, "the pose that registration started from"


def test_an_image_without_a_head_is_refused_in_words():
    noise = np.random.default_rng(0).uniform(1, 2, size=(30, 30, 30)).astype(np.float32)
    with pytest.raises(MSSoftSegError, match="—"):
        extract_brain_with_atlas({Modality.FLAIR: sitk.GetImageFromArray(noise)})


def test_progress_runs_from_0_to_1(from_flair, told):
    assert (told[0], told[-1]) == (0.0, 1.0)
    assert told == sorted(told)


def test_a_solid_brain_has_no_bridges_islands_or_holes():
    z, y, x = np.indices((40, 40, 60))
    body = np.hypot(np.hypot(z - 20, y - 20), x - 20) < 14
    raw = body.copy()
    raw[20, 20, 34:50] = True  # a bridge one voxel thin
    raw |= np.hypot(np.hypot(z - 20, y - 20), x - 52) < 5  # an eye at its end
    raw[18:22, 18:22, 18:22] = False  # a ventricle
    raw[20, :, 20] &= np.abs(y[20, :, 20] - 20) > 14  # a sulcus one voxel wide
    found = smooth_solid(raw, spacing_mm=1.0)
    assert found[18:22, 18:22, 18:22].all()
    assert found[20, 8:33, 20].all()
    assert (found & body).sum() / body.sum() > 0.98
    assert (found & ~body).sum() / body.sum() < 0.02


def test_an_empty_mask_stays_empty():
    assert not smooth_solid(np.zeros((9, 9, 9), bool), spacing_mm=1.0).any()


@pytest.mark.parametrize("spacing_mm", [1.0, 1.3])
def test_opening_and_closing_are_those_by_scipys_distances(spacing_mm):
    """The largest body of a ragged mask, by an independent Euclidean distance transform."""
    noise = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(40, 44, 48)), 2.5)
    mask = noise > -0.02
    opened, closed = OPENING_MM / spacing_mm, CLOSING_MM / spacing_mm
    labels, _ = ndimage.label(ndimage.distance_transform_edt(mask) > opened)
    core = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    body = mask & (ndimage.distance_transform_edt(~core) <= opened)
    margin = int(np.ceil(closed)) + 1
    wide = ndimage.distance_transform_edt(~np.pad(body, margin, mode="edge")) <= closed
    shut = (ndimage.distance_transform_edt(wide) > closed)[(slice(margin, -margin),) * 3]
    expected = ndimage.binary_fill_holes(body | shut)
    assert np.count_nonzero(expected != mask) > 0, "there is something to smooth"
    assert (smooth_solid(mask, spacing_mm=spacing_mm) == expected).all()


def test_the_score_of_a_pose_is_the_mutual_information_of_the_levels_that_meet():
    """By its definition, point for point; the head is the atlas, so that the pose of itself is the best."""
    atlas = read_atlas()
    search = PoseSearch(atlas.t1, sitk.Cast(atlas.brain > 0.5, sitk.sitkUInt8), atlas.t1)
    same = sitk.AffineTransform(3)
    coarse = _coarse(atlas.t1)
    levels = _levels(voxels(coarse))
    inside = voxels(atlas.brain) > 0.5
    index = np.argwhere(inside)[np.random.default_rng(0).choice(inside.sum(), size=2500, replace=False)]
    points = [atlas.t1.TransformIndexToPhysicalPoint(i[::-1].tolist()) for i in index]
    met = np.rint([coarse.TransformPhysicalPointToContinuousIndex(p) for p in points]).astype(int)
    head = levels[tuple(met.T[::-1])]
    template = _levels(voxels(sitk.SmoothingRecursiveGaussian(atlas.t1, 2.0))[tuple(index.T)])
    pairs = Counter(zip(template.tolist(), head.tolist(), strict=True))
    first, second = Counter(template.tolist()), Counter(head.tolist())
    expected = sum(n / 2500 * np.log(n * 2500 / (first[a] * second[b])) for (a, b), n in pairs.items())
    assert search.score(same) == pytest.approx(expected, abs=2e-3)
    away = sitk.AffineTransform(3)
    away.Translate((0.0, 8.0, 0.0))
    assert search.score(away) < 0.6 * search.score(same)
