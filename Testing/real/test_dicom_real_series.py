"""Real scanner files: enhanced Siemens XA30, GE, one protocol in four patient positions; read as other readers read them.

No visit with a FLAIR is among them: a T1 is asked for in its place, which is what overrides are for.
"""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.dicom.choice import choose
from MSSoftSegLib.dicom.reading import read_dicom_exam
from MSSoftSegLib.dicom.visits import number_patients, read_visits
from MSSoftSegLib.errors import BadExam
from MSSoftSegLib.exam.modality import Modality
from Testing.real.data import DATA

DICOM = DATA.parent / "dicom"
pytestmark = pytest.mark.skipif(not DICOM.is_dir(), reason="../shared/data/dicom is not available")
SERIES = {
    "ge_deident/In": "10",
    "siemens_xa30_enhanced/In/5_anat-T1w_acq-tfl": "5",
    "siemens_xa30_enhanced/In/6_anat-T1w_acq-tfl": "6",
    **{f"siemens_decubitus/In/{place}": "2" for place in ("HFDL", "HFDR", "HFP")},
    "siemens_decubitus/In/HFS": "3",
}


def read(place):
    return read_dicom_exam(DICOM / place, {Modality.FLAIR: SERIES[place]}).exam.image(Modality.FLAIR)


def by_itk(place):
    """ITK's own reader of series, or of the one enhanced file."""
    folders = sorted({path.parent for path in (DICOM / place).rglob("*.dcm")})
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folders[0]))
    return sitk.ReadImage(names[0]) if len(names) == 1 else sitk.ReadImage(names)


def by_dcm2niix(place, out):
    program = shutil.which("dcm2niix")
    if program is None:
        pytest.skip("dcm2niix is not installed")
    subprocess.run([program, "-o", str(out), str(DICOM / place)], check=True, capture_output=True)
    (written,) = out.glob("*.nii")
    return sitk.ReadImage(str(written))


def assert_same_voxels(one, other):
    """A sample of voxels, each at its place in both images."""
    rng = np.random.default_rng(0)
    for _ in range(400):
        index = [int(rng.integers(0, count)) for count in one.GetSize()]
        there = np.array(other.TransformPhysicalPointToContinuousIndex(one.TransformIndexToPhysicalPoint(index)))
        assert np.abs(there - np.rint(there)).max() < 0.05
        assert one[index] == pytest.approx(float(other[[int(v) for v in np.rint(there)]]))
    assert one.GetNumberOfPixels() == other.GetNumberOfPixels()


@pytest.mark.parametrize("place", [each for each in SERIES if "xa30" not in each])
def test_a_real_series_is_read_as_itk_reads_it(place):
    assert_same_voxels(read(place), by_itk(place))


@pytest.mark.parametrize("place", SERIES)
def test_a_real_series_is_read_as_dcm2niix_converts_it(place, tmp_path):
    assert_same_voxels(read(place), by_dcm2niix(place, tmp_path))


@pytest.mark.parametrize("place", SERIES)
def test_every_real_series_is_known_as_t1(place):
    with pytest.raises(BadExam, match="recognized as FLAIR"):
        read_dicom_exam(DICOM / place)
    choice = choose(read_visits(DICOM / place), {Modality.FLAIR: SERIES[place]})
    assert [part.recognition.modality for part in choice.parts] == [Modality.T1]


def test_four_positions_are_four_visits_and_are_not_mixed():
    visits = read_visits(DICOM / "siemens_decubitus")
    assert (len(visits), max(number_patients(visits))) == (4, 1)
    with pytest.raises(BadExam, match="4 visits of one patient"):
        choose(visits, {})
