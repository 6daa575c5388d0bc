"""Series as careless archives and anonymizers leave them: nothing of two people is mixed, and no plane is lost without a word."""

from __future__ import annotations

import pydicom
import pytest
import SimpleITK as sitk

from MSSoftSegLib.dicom.choice import choose
from MSSoftSegLib.dicom.reading import read_dicom_exam
from MSSoftSegLib.dicom.visits import read_visits
from MSSoftSegLib.errors import BadExam, BadImage
from MSSoftSegLib.exam.modality import Modality
from Testing.MSSoftSegLib.dicom.made_exams import Made, write_made
from Testing.MSSoftSegLib.dicom.made_series import IDENTITY

FLAIR = Made("FLAIR", "SE\\IR", (9000, 120, 2500))
T1 = Made("t1_mprage", "GR\\IR", (2300, 3, 900))
NOBODY = dict.fromkeys(IDENTITY, "") | {"StudyInstanceUID": ""}


def write_two(folder, *, identity=IDENTITY, frames=("1.2.3", "1.2.3"), second=None):
    """A FLAIR and a T1; what differs in the second."""
    for number, (made, frame) in enumerate(zip((FLAIR, T1), frames, strict=True), start=1):
        more = second if number == 2 and second else {}
        write_made(
            made,
            folder / f"{number}",
            number,
            echo_ms=made.times[1],
            dialect="x",
            identity=identity,
            frame=frame,
            **more,
        )
    return folder


def change_all(folder, **fields):
    for path in folder.rglob("IM*"):
        dataset = pydicom.dcmread(path)
        for key, value in fields.items():
            setattr(dataset, key, value)
        dataset.save_as(path)
    return folder


def voxels(exam, modality=Modality.FLAIR):
    return sitk.GetArrayFromImage(exam.exam.image(modality))


def test_series_of_no_study_in_two_frames_of_reference_are_not_mixed(tmp_path):
    folder = write_two(tmp_path / "a", identity=NOBODY, frames=("1.2.3", "1.2.4"))
    with pytest.raises(BadExam, match="may be of two patients"):
        choose(read_visits(folder), {})
    assert set(choose(read_visits(folder), {Modality.T1: "2"}).chosen) == {Modality.FLAIR, Modality.T1}
    assert set(choose(read_visits(write_two(tmp_path / "b", identity=NOBODY)), {}).chosen) == {
        Modality.FLAIR,
        Modality.T1,
    }


def test_one_study_of_dates_years_apart_is_two_visits(tmp_path):
    folder = write_two(tmp_path / "a", second={"StudyDate": "20190101"})
    with pytest.raises(BadExam, match="2 visits of one patient"):
        choose(read_visits(folder), {})
    assert len(read_visits(write_two(tmp_path / "b", second={"StudyDate": "20250306"}))) == 1


def test_a_plane_whose_slope_is_0_is_refused(tmp_path):
    folder = write_two(tmp_path / "a")
    plane = next((folder / "1").glob("IM0003"))
    dataset = pydicom.dcmread(plane)
    dataset.RescaleSlope, dataset.RescaleIntercept = "0", "0"
    dataset.save_as(plane)
    with pytest.raises(BadImage, match="rescale slope of 0"):
        read_dicom_exam(folder)


def test_an_intercept_without_a_slope_is_added(tmp_path):
    plain = voxels(read_dicom_exam(write_two(tmp_path / "a")))
    moved = voxels(read_dicom_exam(change_all(write_two(tmp_path / "b"), RescaleIntercept="-50")))
    assert (moved == plain - 50).all()


def test_an_image_that_is_stored_inverted_for_display_is_told(tmp_path):
    folder = change_all(write_two(tmp_path / "a"), PhotometricInterpretation="MONOCHROME1")
    assert any("MONOCHROME1" in warning for warning in choose(read_visits(folder), {}).warnings)
