"""An exam is segmented from DICOM, and what was found goes back into the exam's own study."""

from __future__ import annotations

import json

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from highdicom.sr import srread

from MSSoftSegLib.cli.main import run_command
from Testing.MSSoftSegLib.dicom.independent_reader import on_grid_of, points_and_values
from Testing.MSSoftSegLib.dicom.made_series import IDENTITY, head, write_series
from Testing.MSSoftSegLib.network.bundles import write_random_bundle

TIMES = {"RepetitionTime": 9000, "EchoTime": 100, "InversionTime": 2500}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A FLAIR segmented from DICOM; the folder with the result."""
    place = tmp_path_factory.mktemp("dicom")
    patch = pytest.MonkeyPatch()
    patch.setenv("MSSOFTSEG_MODELS", str(place / "models"))
    write_random_bundle(place / "models" / "little")
    image = head(size=(24, 26, 12), spacing_mm=(1.5, 1.5, 3.0), turn=(0.2, -0.1, 0.3))
    array = sitk.GetArrayFromImage(image)
    # No brain, but something with nothing around it, as where a brain was cut out.
    array[:3], array[-3:], array[:, :6], array[:, :, :5] = 0, 0, 0, 0
    flair = sitk.GetImageFromArray(array)
    flair.CopyInformation(image)
    write_series(flair, place / "Müller", FrameOfReferenceUID="1.2.3.9", **TIMES)
    common = ["--preprocessed", "--no-keep-working", "--model", "little", "--device", "cpu", "--tta", "none"]
    common += ["--threshold", "0.01"]
    folder = ["--dicom", str(place / "Müller"), "--series", "flair=5", "--dicom-seg"]
    assert run_command(["segment", *folder, "--out", str(place / "out"), *common]) == 0
    patch.undo()
    return place


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
    assert [each["path_name"] for each in facts["inputs"]] == ["DICOM series 5"]
    for path in (results / "out").rglob("*"):
        if path.is_file() and path.suffix != ".dcm":
            for word in ("Müller", "4711", "ACC-9", "19800102"):
                assert word.encode() not in path.read_bytes(), path.name
