"""An exam as DICOM gives what it gives as image files, and its segmentation goes back into the exam's own study."""

from __future__ import annotations

import json

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from highdicom.sr import srread

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.exam.image_file import read_image, write_image
from Testing.MSSoftSegLib.dicom.independent_reader import on_grid_of, points_and_values
from Testing.MSSoftSegLib.dicom.made_series import IDENTITY, write_series
from Testing.MSSoftSegLib.jobs.small_exam import write_small_exam
from Testing.MSSoftSegLib.network.bundles import write_random_bundle

TIMES = {"FLAIR": (9000, 100, 2500), "T1": (2300, 3, 900), "T2": (5000, 100, None)}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One exam segmented from image files and from DICOM; the folder with both results."""
    place = tmp_path_factory.mktemp("dicom")
    patch = pytest.MonkeyPatch()
    patch.setenv("MSSOFTSEG_MODELS", str(place / "models"))
    exam, brain = write_small_exam(place)
    write_random_bundle(place / "models" / "little")
    for number, (name, (repetition, echo, inversion)) in enumerate(TIMES.items(), start=1):
        path = exam / f"{name}.nii.gz"
        whole = sitk.Round(sitk.RescaleIntensity(read_image(path), 0, 4000))
        write_image(whole, path)
        fields = {"SeriesNumber": number, "SeriesDescription": name, "RepetitionTime": repetition, "EchoTime": echo}
        fields |= {"InversionTime": inversion} if inversion else {}
        write_series(read_image(path), place / "Müller" / str(number), FrameOfReferenceUID="1.2.3.9", **fields)
    common = ["--brain", str(brain), "--model", "little", "--device", "cpu", "--tta", "none", "--threshold", "0.5"]
    codes = [
        run_command(["segment", "--exam", str(exam), "--out", str(place / "files"), *common]),
        run_command(["segment", "--dicom", str(place / "Müller"), "--dicom-seg", "--out", str(place / "out"), *common]),
    ]
    patch.undo()
    assert codes == [0, 0]
    return place


@pytest.mark.parametrize("name", ["lesion_mask.nii.gz", "lesion_probability.nii.gz"])
def test_the_answer_is_the_same_on_the_series_own_grid(results, name):
    ours, theirs = (sitk.ReadImage(str(results / folder / name)) for folder in ("out", "files"))
    there = sitk.Resample(theirs, ours, sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)
    assert sorted(ours.GetSize()) == sorted(theirs.GetSize())
    difference = sitk.GetArrayFromImage(there).astype(float) - sitk.GetArrayFromImage(ours)
    if name == "lesion_mask.nii.gz":
        assert np.count_nonzero(difference) <= 0.01 * np.count_nonzero(sitk.GetArrayFromImage(ours))
    else:
        assert np.abs(difference).mean() < 1e-3


def test_the_segmentations_lie_where_the_lesions_are_and_belong_to_the_study(results):
    mask = sitk.ReadImage(str(results / "out" / "lesion_mask.nii.gz"))
    found = points_and_values(results / "out" / "lesion_mask.dcm")
    expected = sitk.GetArrayFromImage(mask)
    assert expected.any()
    np.testing.assert_array_equal(on_grid_of(mask, *found[1]), expected)
    written = pydicom.dcmread(results / "out" / "lesion_probability.dcm")
    assert written.SegmentationType == "FRACTIONAL"
    assert str(written.PatientID) == IDENTITY["PatientID"]
    assert written.FrameOfReferenceUID == "1.2.3.9"
    assert written.SegmentSequence[0].SegmentAlgorithmName.startswith("MSSoftSeg little")


def test_the_report_counts_what_the_result_counts(results):
    facts = json.loads((results / "out" / "result.json").read_text())["lesions"]
    (whole,) = srread(results / "out" / "lesion_report.dcm").content.get_volumetric_roi_measurement_groups()
    count, volume, soft = (item.value for item in whole.get_measurements())
    assert count == facts["count"]
    assert volume == pytest.approx(facts["volume_ml"], abs=1e-3)
    assert soft == pytest.approx(facts["soft_volume_ml"], abs=1e-3)


def test_only_the_dicom_objects_name_the_patient(results):
    facts = json.loads((results / "out" / "result.json").read_text())
    assert [each["path_name"] for each in facts["inputs"]] == ["DICOM series 1", "DICOM series 2", "DICOM series 3"]
    for path in (results / "out").rglob("*"):
        if path.is_file() and path.suffix != ".dcm":
            for word in ("Müller", "4711", "ACC-9", "19800102"):
                assert word.encode() not in path.read_bytes(), path.name
