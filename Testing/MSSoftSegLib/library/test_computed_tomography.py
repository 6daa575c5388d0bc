"""A CT in FLAIR's place: the body in a window of soft tissue, zero around it, from every layout and orientation."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.geometry import orient_canonically
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.importing.choices import Choices
from MSSoftSegLib.library.importing.computed_tomography import find_body_in_window, is_computed_tomography
from MSSoftSegLib.library.importing.run import import_cases
from MSSoftSegLib.library.reading import read_labeled_cases
from Testing.MSSoftSegLib.library.made_cases import array, case_files, new_library, written

AIR, FAT, TISSUE, BONE, GAS = -1000, -90, 45, 900, -700


def body_hu():
    """4 slices of 20 × 26 voxels: fat around tissue with gas and bone in it; below it a gap and a thin plate."""
    hu = np.full((4, 20, 26), AIR, np.int16)
    hu[:, 3:14, 4:20] = FAT
    hu[:, 5:12, 6:18] = TISSUE
    hu[:, 7:10, 8:11] = GAS
    hu[:, 9:11, 14:16] = BONE
    hu[:, 16, 1:25] = TISSUE
    return hu


def as_ct(hu, spacing_mm=(2.5, 2.0, 5.0)):
    image = sitk.GetImageFromArray(hu)
    image.SetSpacing(spacing_mm)
    image.SetOrigin((-30.0, 12.5, 400.0))
    return image


def test_inside_the_body_it_is_the_window_and_outside_zero():
    windowed = sitk.GetArrayFromImage(find_body_in_window(as_ct(body_hu()), name="ct"))
    expected = np.zeros(windowed.shape)
    expected[:, 3:14, 4:20] = -90 + 151
    expected[:, 5:12, 6:18] = 45 + 151
    expected[:, 7:10, 8:11] = 1
    expected[:, 9:11, 14:16] = 401
    np.testing.assert_array_equal(windowed, expected)


@pytest.mark.parametrize("letters", ["RAS", "LPI", "PIR", "SAL", "ARI"])
def test_the_order_in_which_a_file_stores_its_voxels_makes_no_difference(letters):
    upright = as_ct(body_hu())
    expected = sitk.GetArrayFromImage(orient_canonically(find_body_in_window(upright, name="ct")))
    found = find_body_in_window(sitk.DICOMOrient(upright, letters), name="ct")
    np.testing.assert_array_equal(sitk.GetArrayFromImage(orient_canonically(found)), expected)


def test_gas_that_only_a_slice_encloses_is_body_and_air_in_a_fold_is_not():
    hu = body_hu()
    hu[0, 3:10, 9] = AIR  # a fold of the skin that is open to the front
    hu[-1, 7:10, 8:11] = AIR  # the bowel leaves the image through its last slice
    windowed = sitk.GetArrayFromImage(find_body_in_window(as_ct(hu), name="ct"))
    assert not windowed[0, 3:7, 9].any()
    assert np.all(windowed[-1, 7:10, 8:11] == 1)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_noise_never_leaves_a_hole_in_the_body(seed):
    hu = body_hu() + np.random.default_rng(seed).normal(0, 25, (4, 20, 26))
    windowed = sitk.GetArrayFromImage(find_body_in_window(as_ct(hu.astype(np.float32)), name="ct"))
    assert np.all(windowed[:, 3:14, 4:20] > 0), "also where the CT is 0 HU"
    assert np.count_nonzero(windowed) == 4 * 11 * 16


@pytest.mark.parametrize(
    ("hu", "said"),
    [(body_hu() + 1024, "shows no air"), (np.full((4, 8, 8), -1000) - np.eye(8, dtype=int), "shows no body")],
)
def test_what_is_not_in_hounsfield_units_is_refused_by_name(hu, said):
    with pytest.raises(BadImage, match=f"spleen_3.nii.gz {said}") as caught:
        find_body_in_window(as_ct(hu.astype(np.int16)), name="spleen_3.nii.gz")
    assert "Hounsfield" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "expected"), [("CT", True), ("ct", True), ("Computed Tomography", True), ("CTA?", False), ("PET", False)]
)
def test_a_channel_is_a_ct_by_its_whole_name(name, expected):
    assert is_computed_tomography(name) is expected


@pytest.mark.parametrize("format", ["msd", "nnunet"])
def test_both_layouts_that_hold_cts_are_windowed_and_can_be_imported_again(tmp_path, format):
    source, library = tmp_path / "Task", new_library(tmp_path)
    channel = "_0000" if format == "nnunet" else ""
    written(as_ct(body_hu()), source / "imagesTr" / f"s_1{channel}.nii.gz")
    label = as_ct((body_hu() == BONE).astype(np.uint8))
    written(label, source / "labelsTr" / "s_1.nii.gz")
    pair = {"image": "./imagesTr/s_1.nii.gz", "label": "./labelsTr/s_1.nii.gz"}
    names = {"modality": {"0": "CT"}, "labels": {"0": "background", "1": "spleen"}, "training": [pair]}
    (source / "dataset.json").write_text(json.dumps(names))
    for _ in range(2):
        imported = import_cases(library, source, format, choices=Choices(as_flair="CT"))
        assert imported.problems == {}
        before = case_files(library)
    assert case_files(library) == before
    (case,) = read_labeled_cases(library, verify=True)
    assert case.preprocessed
    stored = array(case.images[Modality.FLAIR])
    assert stored.dtype == np.int16, "whole numbers take half the room"
    np.testing.assert_array_equal(stored, sitk.GetArrayFromImage(find_body_in_window(as_ct(body_hu()), name="ct")))


def test_a_ct_that_cannot_be_used_is_named_and_the_others_arrive(tmp_path):
    source, library = tmp_path / "Task", new_library(tmp_path)
    pairs = []
    for number, hu in enumerate((body_hu(), body_hu() + 1024)):
        written(as_ct(hu), source / "imagesTr" / f"s_{number}.nii.gz")
        written(as_ct((body_hu() == BONE).astype(np.uint8)), source / "labelsTr" / f"s_{number}.nii.gz")
        pairs.append({"image": f"imagesTr/s_{number}.nii.gz", "label": f"labelsTr/s_{number}.nii.gz"})
    (source / "dataset.json").write_text(json.dumps({"modality": {"0": "CT"}, "training": pairs}))
    imported = import_cases(library, source, "msd", choices=Choices(as_flair="0"))
    assert imported.cases == ("sub-s0",)
    assert set(imported.problems) == {"s_1"}
