"""Regions of a real exam: patient 26 on her MNI grid, whose ventricles and cerebellum are where they are in everybody."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.exam.exam import Exam, ExamImage
from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.image_file import read_image, read_mask
from MSSoftSegLib.exam.modality import MODALITIES
from MSSoftSegLib.preprocessing.as_given import take_exam_as_given
from MSSoftSegLib.region.kept_regions import read_region_maps, write_region_maps
from MSSoftSegLib.region.mapping import map_regions
from MSSoftSegLib.region.places import place_lesions
from MSSoftSegLib.region.regions import REGIONS, Place, Region
from Testing.real.data import DATA, needs_data

pytestmark = needs_data


@pytest.fixture(scope="module")
def patient26():
    folder = DATA / "mni" / "patient26"
    images = {m: ExamImage(m, read_image(folder / f"{m.upper()}.nii.gz"), "", None) for m in MODALITIES}
    working = take_exam_as_given(Exam(images), working_spacing_mm=2.0)
    return working, map_regions(working), read_mask(folder / "lesion_consensus.nii.gz")


def center_ras_mm(regions, region):
    index = np.argwhere(regions.array(region) > 0.5).mean(axis=0)[::-1]
    x, y, z = regions.grid.lps_from_voxel()[:3] @ [*index, 1]
    return -x, -y, z


def test_ventricles_and_cerebellum_lie_where_they_do(patient26):
    _, regions, _ = patient26
    x, _, z = center_ras_mm(regions, Region.LATERAL_VENTRICLE)
    assert abs(x) < 5
    assert 5 < z < 30
    assert center_ras_mm(regions, Region.INFRATENTORIAL)[2] < -20


def test_probabilities_sum_to_one_in_the_brain_and_to_zero_outside(patient26):
    working, regions, _ = patient26
    assert np.allclose(regions.array(*REGIONS), voxels(working.brain_mask) > 0, atol=1e-3)


def test_most_of_her_lesion_volume_is_periventricular(patient26):
    _, regions, mask = patient26
    (load,) = place_lesions(mask, regions)
    assert load.membership[Place.PERIVENTRICULAR] > 0.5
    assert load.distance_to_ventricle_mm < 2


def test_the_file_that_a_result_keeps_places_her_lesions_as_the_regions_themselves_do(patient26, tmp_path):
    _, regions, mask = patient26
    # Another space than the working one, so that left, right, front and top are the file's own.
    moved = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.1, -0.2, 0.3, (12.0, -7.0, 5.0))
    write_region_maps(regions, moved, tmp_path / "r.nii.gz")
    kept = read_region_maps(tmp_path / "r.nii.gz", regions.source)
    assert (tmp_path / "r.nii.gz").stat().st_size < 2e6
    lesions = sitk.ConnectedComponent(mask, True)
    before, after = place_lesions(lesions, regions), place_lesions(lesions, kept, moved)
    assert len(before) > 10
    assert [each.places for each in after] == [each.places for each in before]
    for was, now in zip(before, after, strict=True):
        assert now.distance_to_ventricle_mm == pytest.approx(was.distance_to_ventricle_mm, abs=0.01)
        assert now.distance_to_cortex_mm == pytest.approx(was.distance_to_cortex_mm, abs=0.01)
        assert now.membership == pytest.approx(was.membership, abs=1 / 255)
