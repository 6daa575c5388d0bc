"""Visits of several makers' habits: the right series is taken, and told; what is doubtful is asked about; nobody is mixed."""

from __future__ import annotations

import logging
import shutil

import pytest

from MSSoftSegLib.dicom.choice import choose, describe_choice
from MSSoftSegLib.dicom.reading import read_dicom_exam
from MSSoftSegLib.dicom.visits import read_visits
from MSSoftSegLib.errors import BadExam, BadImage, RequestError
from MSSoftSegLib.exam.modality import Modality
from Testing.MSSoftSegLib.dicom.made_exams import (
    DIALECTS,
    GRIDS,
    SLICES,
    Made,
    write_made,
    write_visit,
)
from Testing.MSSoftSegLib.dicom.made_series import IDENTITY, head, write_series

FLAIR = Made("t2 FLAIR", "SE\\IR", (9000, 100, 2500), "flair", grid=SLICES)
ANOTHER_PERSON = {**IDENTITY, "PatientName": "Other^One", "PatientID": "PID-2", "StudyInstanceUID": "1.2.3.4.6"}


def numbers(choice):
    return {modality.value: str(each.part.series.number) for modality, each in choice.chosen.items()}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_series_that_a_radiologist_would_take_are_taken(tmp_path, dialect):
    expected = write_visit(tmp_path, dialect)
    choice = choose(read_visits(tmp_path), {})
    assert numbers(choice) == expected, "\n".join(describe_choice(choice))
    lines = describe_choice(choice)
    assert len(lines) >= len(DIALECTS[dialect])
    for modality, number in expected.items():
        assert any(line.startswith(f"{modality.upper()} is series {number}") and ": " in line for line in lines)


def test_the_later_echo_of_a_dual_echo_is_the_t2(tmp_path):
    write_visit(tmp_path, "Philips")
    t2 = choose(read_visits(tmp_path), {}).chosen[Modality.T2].part
    assert t2.acquisition.echo_ms == 100
    assert t2.name == "series 4, volume 2"


def test_series_are_chosen_by_number_and_by_uid_and_left_out(tmp_path):
    write_visit(tmp_path, "Siemens")
    visits = read_visits(tmp_path)
    uid = next(series.uid for series in visits[0].series if series.number == 5)
    choice = choose(visits, {Modality.FLAIR: uid, Modality.T1: "none", Modality.T2: "8"})
    assert numbers(choice) == {"flair": "5", "t2": "8"}
    assert any("series 8 is used as T2, but by its header" in warning for warning in choice.warnings)


@pytest.mark.parametrize(("word", "said"), [("99", "there is no series 99"), ("1.2.9", "there is no series 1.2.9")])
def test_a_series_that_is_not_there_is_said_to_be_missing(tmp_path, word, said):
    write_visit(tmp_path, "times only")
    with pytest.raises(BadExam, match=said):
        choose(read_visits(tmp_path), {Modality.FLAIR: word})


def test_one_series_cannot_play_two_parts(tmp_path):
    write_visit(tmp_path, "times only")
    with pytest.raises(BadExam, match="series 2 is asked for as FLAIR and as T1"):
        choose(read_visits(tmp_path), {Modality.FLAIR: "2", Modality.T1: "2"})


def test_what_is_asked_for_in_one_part_is_not_taken_for_another(tmp_path):
    write_visit(tmp_path, "times only")
    assert numbers(choose(read_visits(tmp_path), {Modality.FLAIR: "1", Modality.T2: "none"})) == {"flair": "1"}


def test_what_differs_by_nothing_but_time_is_asked_about(tmp_path, caplog):
    for number in (1, 2):
        write_made(FLAIR, tmp_path / str(number), number, echo_ms=100, dialect="Siemens")
    caplog.set_level(logging.WARNING, "MSSoftSegLib")
    with pytest.raises(BadExam, match="series 2 and series 1 could both be FLAIR") as caught:
        choose(read_visits(tmp_path), {})
    assert "--series flair=2" in caught.value.remedy
    assert "axial slices" in caplog.text
    # A repetition has a reason.
    assert numbers(choose(read_visits(tmp_path), {}, take_best=True)) == {"flair": "2"}


def test_of_two_t1_the_earlier_is_the_one_without_agent(tmp_path):
    write_made(FLAIR, tmp_path / "1", 1, echo_ms=100, dialect="Siemens")
    for number in (2, 3):
        t1 = Made("t1_mprage", "GR\\IR", (2300, 3, 900))
        write_made(t1, tmp_path / str(number), number, echo_ms=3, dialect="Siemens")
    with pytest.raises(BadExam, match="differ by nothing but time"):
        choose(read_visits(tmp_path), {})
    assert numbers(choose(read_visits(tmp_path), {}, take_best=True)) == {"flair": "1", "t1": "2"}


def test_two_patients_are_never_mixed(tmp_path, caplog):
    write_visit(tmp_path / "a", "times only")
    write_visit(tmp_path / "b", "Siemens", identity=ANOTHER_PERSON)
    visits = read_visits(tmp_path)
    with pytest.raises(BadExam, match="2 visits of 2 patients") as caught:
        choose(visits, {})
    assert "--series flair=UID" in caught.value.remedy
    assert "Other" not in caplog.text + str(caught.value)
    wanted = next(series.uid for series in visits[1].series if series.number == 4)
    choice = choose(visits, {Modality.FLAIR: wanted})
    assert numbers(choice) == {"flair": "4", "t1": "3", "t2": "7"}
    other = visits[0].series[0].uid
    with pytest.raises(BadExam, match="different visits"):
        choose(visits, {Modality.FLAIR: wanted, Modality.T1: other})


def test_two_visits_of_one_patient_are_not_mixed_either(tmp_path):
    write_visit(tmp_path / "a", "times only")
    write_visit(tmp_path / "b", "Siemens", identity={**IDENTITY, "StudyInstanceUID": "1.2.3.4.6"})
    with pytest.raises(BadExam, match="2 visits of one patient"):
        choose(read_visits(tmp_path), {})


def test_one_study_with_two_names_is_two_visits(tmp_path):
    write_visit(tmp_path / "a", "times only")
    write_visit(tmp_path / "b", "Siemens", identity={**IDENTITY, "PatientName": "Other^One"})
    with pytest.raises(BadExam, match="of 2 patients"):
        choose(read_visits(tmp_path), {})


def test_half_a_series_is_refused_and_a_whole_one_is_preferred(tmp_path):
    write_made(FLAIR, tmp_path / "1", 1, echo_ms=100, dialect="Siemens")
    sorted((tmp_path / "1").iterdir())[3].unlink()
    with pytest.raises(BadImage, match="series 1 is incomplete: a plane is missing after plane"):
        choose(read_visits(tmp_path), {})
    write_made(FLAIR, tmp_path / "2", 2, echo_ms=100, dialect="Siemens")
    choice = choose(read_visits(tmp_path), {})
    assert numbers(choice) == {"flair": "2"}
    assert any("series 1 would be FLAIR too, but cannot be used" in each for each in choice.warnings)


def test_images_that_a_header_counts_and_that_are_not_there_are_told(tmp_path):
    write_made(FLAIR, tmp_path / "1", 1, echo_ms=100, dialect="Siemens", ImagesInAcquisition=11)
    choice = choose(read_visits(tmp_path), {})
    assert choice.warnings == ("series 1 may be incomplete: its header speaks of 11 images, 8 are there",)


def test_without_a_flair_every_series_is_told(tmp_path, caplog):
    write_visit(tmp_path, "times only")
    shutil.rmtree(tmp_path / "S14")
    with pytest.raises(BadExam, match="none of the 5 MR series is recognized as FLAIR") as caught:
        choose(read_visits(tmp_path), {})
    assert "mssoftseg dicom FOLDER" in caught.value.remedy
    assert "series 6: an echo-planar image" in caplog.text


def test_a_flair_that_shows_no_head_is_not_taken(tmp_path, caplog):
    image = head(size=(20, 20, 6), spacing_mm=(6.0, 6.0, 5.0))
    write_series(image, tmp_path, SeriesDescription="FLAIR", EchoTime=100, RepetitionTime=9000, InversionTime=2500)
    with pytest.raises(BadExam, match="recognized as FLAIR"):
        choose(read_visits(tmp_path), {})
    assert "covers only 30 mm" in caplog.text
    assert numbers(choose(read_visits(tmp_path), {Modality.FLAIR: "5"})) == {"flair": "5"}


def test_a_folder_that_is_none_and_one_without_mr_are_refused(tmp_path):
    with pytest.raises(RequestError, match="does not exist"):
        read_visits(tmp_path / "nothing")
    (tmp_path / "letter.txt").write_text("a letter")
    with pytest.raises(RequestError, match="holds no MR images"):
        read_visits(tmp_path)
    with pytest.raises(RequestError, match="is a file"):
        read_visits(tmp_path / "letter.txt")


def test_the_exam_is_read_on_the_series_own_grids(tmp_path):
    write_visit(tmp_path, "Siemens")
    found = read_dicom_exam(tmp_path)
    assert found.exam.modalities == (Modality.FLAIR, Modality.T1, Modality.T2)
    flair = found.exam.images[Modality.FLAIR]
    assert flair.image.GetSize() == GRIDS["volume"]["size"]
    assert flair.file_name == "DICOM series 4"
    assert len(flair.sha256) == 64
