"""Public exams of one scanner, one protocol and one grid size, as DICOM series: whose FLAIR is whose?

A block from the middle of each image is enough, and fast.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.dicom.matching import agreement
from MSSoftSegLib.dicom.source_series import find_source
from MSSoftSegLib.errors import GridMismatch
from Testing.MSSoftSegLib.dicom.made_series import write_series
from Testing.real.data import DATA, needs_data

pytestmark = needs_data
EXAMS = {
    "patient12_study1": "raw/patient12_study1",
    "patient12_study2": "raw/patient12_study2",
    "patient03_study2": "raw/patient03_study2",
    "patient19_study2": "raw_partial/patient19_study2",
}
SIZE = (320, 320, 48)


def read(exam, modality="FLAIR"):
    return sitk.ReadImage(str(DATA / EXAMS[exam] / f"{modality}.nii.gz"), sitk.sitkFloat32)


def middle(image):
    return image[90:230, 80:250, 16:34]


@pytest.mark.parametrize("exam", ["patient12_study1", "patient03_study2"])
def test_an_exams_flair_is_found_in_its_own_series(tmp_path, exam):
    flair = middle(read(exam))
    folder = write_series(sitk.Cast(flair, sitk.sitkUInt16), tmp_path / "source")
    lattice = find_source(folder, flair).lattice
    array = sitk.GetArrayFromImage(flair)
    assert lattice is not None
    np.testing.assert_array_equal(lattice.placed(array, array.shape), array)


def test_the_series_of_another_person_or_visit_on_the_very_same_grid_is_refused(tmp_path):
    flair = middle(read("patient12_study1"))
    for exam in ("patient12_study2", "patient03_study2"):
        assert read(exam).GetSize() == SIZE
        other = sitk.GetImageFromArray(sitk.GetArrayFromImage(middle(read(exam))).astype(np.uint16))
        other.CopyInformation(flair)
        with pytest.raises(GridMismatch, match="another contrast or another person's"):
            find_source(write_series(other, tmp_path / exam), flair)


def test_neighborhoods_tell_apart_what_a_plain_correlation_does_not():
    images = {exam: sitk.GetArrayFromImage(middle(read(exam))) for exam in EXAMS}
    plain, local = [], []
    for one, other in itertools.combinations(images.values(), 2):
        plain.append(np.corrcoef(one.ravel(), other.ravel())[0, 1])
        local.append(agreement(one, other))
    assert max(local) < 0.3 < max(plain)
    flair = middle(read("patient12_study1"))
    t2 = sitk.GetArrayFromImage(sitk.Resample(read("patient12_study1", "T2"), flair))
    assert agreement(sitk.GetArrayFromImage(flair), t2) < 0.6
    smooth = sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(flair, 0.7))
    assert agreement(smooth, sitk.GetArrayFromImage(flair)) > 0.85
