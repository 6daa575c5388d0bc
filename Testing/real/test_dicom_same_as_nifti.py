"""A raw exam turned into DICOM is the exam that it was: the same contrasts chosen, the same voxels, and the same lesions."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.dicom.reading import read_dicom_exam
from MSSoftSegLib.evaluation.overlap import dice
from MSSoftSegLib.exam.modality import Modality
from Testing.campaigns.record import CAMPAIGN, record
from Testing.MSSoftSegLib.dicom.made_series import write_series
from Testing.real.data import DATA, needs_data

pytestmark = needs_data
EXAMS = ("patient12_study1", "patient12_study2", "patient03_study2")
# Times that such protocols have; the data set does not say its own.
TIMES = {
    "FLAIR": {
        "RepetitionTime": 5000,
        "EchoTime": 392,
        "InversionTime": 1800,
        "SeriesDescription": "t2_spc_ir_dark-fluid",
    },
    "T1": {"RepetitionTime": 2000, "EchoTime": 20, "InversionTime": 800, "SeriesDescription": "t1_tirm_tra"},
    "T2": {"RepetitionTime": 6000, "EchoTime": 120, "SeriesDescription": "t2_tse_tra"},
}
SEQUENCES = {"FLAIR": ["SE", "IR"], "T1": ["SE", "IR"], "T2": "SE"}


def write_dicom(exam, folder):
    """The exam's three images as three series of one study and one frame of reference, in folders without meaning."""
    for number, (name, fields) in enumerate(TIMES.items(), start=1):
        image = sitk.ReadImage(str(DATA / "raw" / exam / f"{name}.nii.gz"))
        more = {"SeriesNumber": number, "FrameOfReferenceUID": "1.2.3.9", "ScanningSequence": SEQUENCES[name], **fields}
        write_series(image, folder / f"S{number}", **more)
    return folder


@pytest.mark.parametrize("exam", EXAMS)
def test_every_contrast_is_recognized_and_every_voxel_lies_where_it_lay(tmp_path, exam):
    read = read_dicom_exam(write_dicom(exam, tmp_path / "dicom")).exam
    assert set(read.images) == {Modality.FLAIR, Modality.T1, Modality.T2}
    for modality in read.images:
        original = sitk.ReadImage(str(DATA / "raw" / exam / f"{modality.upper()}.nii.gz"))
        found = sitk.DICOMOrient(read.image(modality), _order(original))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(found), sitk.GetArrayFromImage(original))
        corner = [n - 1 for n in original.GetSize()]
        for index in ([0, 0, 0], corner):
            one, other = (image.TransformIndexToPhysicalPoint(index) for image in (found, original))
            np.testing.assert_allclose(one, other, atol=1e-3)


def _order(image):
    return sitk.DICOMOrientImageFilter_GetOrientationFromDirectionCosines(image.GetDirection())


@pytest.mark.skipif(not CAMPAIGN, reason="make campaigns: two whole segmentations")
@pytest.mark.parametrize("exam", EXAMS[:1])
def test_the_lesions_are_the_same(tmp_path, exam):
    write_dicom(exam, tmp_path / "dicom")
    sources = {"dicom": ["--dicom", str(tmp_path / "dicom")], "nifti": ["--exam", str(DATA / "raw" / exam)]}
    for name, words in sources.items():
        options = ["--no-keep-working", "--no-cache", "--out", str(tmp_path / name / "out")]
        assert run_command(["segment", *words, *options]) == 0
    masks = [sitk.ReadImage(str(tmp_path / name / "out" / "lesion_mask.nii.gz")) for name in sources]
    masks[0] = sitk.DICOMOrient(masks[0], _order(masks[1]))
    score = dice(*(sitk.GetArrayFromImage(mask) > 0 for mask in masks))
    assert score >= 0.98
    record(f"DICOM as NIfTI: {exam}", {"mask Dice, thousandths": round(1000 * score)})
