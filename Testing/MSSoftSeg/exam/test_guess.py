"""Which loaded volumes make the exam, and whether they look like what they were taken for."""

from __future__ import annotations

import numpy as np
import pytest
from MSSoftSegGUI.exam.contrast_check import check_contrast, looks_like
from MSSoftSegGUI.exam.guess import ExamGuess, LoadedVolume, guess_exam, recognize_slot

from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.phantom.digital_patient import SMALL_SETTINGS, make_digital_patient
from Testing.real.data import DATA


def volume(name, **fields):
    return LoadedVolume(id=f"id-{name}", name=name, **fields)


def test_names_fill_the_slots_and_other_volumes_stay_out():
    guess = guess_exam([volume(n) for n in ("T1", "5: t2_flair_sag", "FLAIR lesion probability", "ADC", "t2_tse_tra")])
    assert guess == ExamGuess(flair="id-5: t2_flair_sag", t1="id-T1", t2="id-t2_tse_tra")


def test_a_name_with_an_ending_is_read_as_a_file_name():
    assert recognize_slot(volume("sub-01_FLAIR.nii.gz")) == "flair"


def test_what_dicom_says_decides_where_the_name_says_nothing():
    said = {"DICOM.SeriesDescription": "AX FLAIR", "DICOM.Modality": "MR"}
    assert recognize_slot(volume("Series 4", attributes=said)) == "flair"
    assert recognize_slot(volume("Series 4", attributes={"Modality": "CT", "SeriesDescription": "FLAIR"})) == ""


def test_dicom_times_are_milliseconds():
    times = {"EchoTime": "120", "RepetitionTime": "9000", "InversionTime": "2500", "ScanningSequence": "SE\\IR"}
    assert recognize_slot(volume("Series 4", attributes=times)) == "flair"
    seconds = {"EchoTime": "0.12", "RepetitionTime": "9", "InversionTime": "2.5", "ScanningSequence": "SE\\IR"}
    assert recognize_slot(volume("Series 4", attributes=seconds)) == ""


def test_a_t1_with_contrast_agent_is_not_taken():
    assert recognize_slot(volume("T1", attributes={"ContrastBolusAgent": "Gadovist"})) == ""


def test_images_of_two_visits_are_not_mixed():
    volumes = [volume("FLAIR", study="2021"), volume("T1", study="2021"), volume("FLAIR_1", study="2024")]
    assert guess_exam(volumes) == ExamGuess(flair="id-FLAIR_1")
    assert guess_exam(volumes, prefer_study="2021") == ExamGuess(flair="id-FLAIR", t1="id-T1")


def test_a_study_without_flair_is_not_preferred_over_one_with_it():
    volumes = [volume("FLAIR", study="a"), volume("T1", study="b")]
    assert guess_exam(volumes, prefer_study="b").flair == "id-FLAIR"


def test_of_two_candidates_the_finer_one_is_taken_and_a_note_says_so():
    guess = guess_exam(
        [volume("FLAIR ax", voxel_volume_mm3=3.0), volume("FLAIR 3D", voxel_volume_mm3=1.0), volume("FLAIR cor")]
    )
    assert guess.flair == "id-FLAIR 3D"
    assert guess.notes == ("3 images could be the FLAIR image; “FLAIR 3D” has the smallest voxels.",)


def test_nothing_loaded_is_no_exam():
    assert guess_exam([]) == ExamGuess()


@pytest.fixture(scope="module", params=[3, 7])
def patient(request):
    return make_digital_patient(seed=request.param, settings=SMALL_SETTINGS)


def images_of(patient):
    return {modality.value: entry.image for modality, entry in patient.exam.images.items()}


def test_every_contrast_of_a_digital_patient_is_told_and_warned_of_in_every_wrong_slot(patient):
    for contrast, image in images_of(patient).items():
        array, spacing_mm = voxels(image), image.GetSpacing()
        assert looks_like(array, spacing_mm) == contrast
        for slot in ("flair", "t1", "t2"):
            warning = check_contrast(slot, array, spacing_mm)
            assert bool(warning) == (slot != contrast)
            assert slot == contrast or (slot.upper() in warning and contrast.upper() in warning)


def test_brightness_scale_and_offset_of_storage_do_not_matter(patient):
    image = images_of(patient)["t1"]
    array = (voxels(image) * 7.3).astype(np.int16)
    assert looks_like(array, image.GetSpacing()) == "t1"


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((20, 20, 20)),
        np.full((20, 20, 20), np.nan),
        np.random.default_rng(0).normal(size=(40, 40, 40)),
        np.ones((1, 20, 20)),
        np.zeros((0, 5, 5)),
    ],
    ids=["zeros", "nan", "noise", "one slice", "empty"],
)
def test_there_is_no_warning_about_what_is_no_head(array):
    assert check_contrast("flair", array, (1.0, 1.0, 1.0)) == ""


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not available")
def test_every_real_exam_is_told_right():
    import SimpleITK as sitk

    seen = []
    for path in sorted(DATA.glob("*/*/[FT]*.nii.gz")):
        contrast = path.name.removesuffix(".nii.gz").lower()
        if contrast in ("flair", "t1", "t2"):
            image = sitk.ReadImage(str(path))
            seen.append((path.parent.name, contrast, looks_like(voxels(image), image.GetSpacing())))
    assert len(seen) > 10
    assert [case for case in seen if case[1] != case[2]] == []
