"""Visits of one patient are told by a data set's names, or asked about: a split that separates them is a leak."""

from __future__ import annotations

import pytest

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.library.visits import find_names_told_apart, find_visits


@pytest.mark.parametrize(
    "names",
    [
        ("P01_visit1", "P01_visit2", "P02_visit1"),
        ("P01_ses-01", "P01_ses-02", "P02_ses-01"),
        ("P01v1", "P01v2", "P02v1"),
        ("P01_TP1", "P01_TP2", "P02_TP1"),
        ("P01_20200131", "P01_20210228", "P02_20200131"),
        ("P01_2020-01-31", "P01_2021-02-28", "P02_2020-01-31"),
        ("P01_baseline", "P01_followup", "P02_baseline"),
        ("P01-m0", "P01-m12", "P02-m0"),
        ("P01_before", "P01_after", "P02_before"),
        ("visit1_P01", "visit2_P01", "visit1_P02"),
        ("baseline-P01", "followup-P01", "baseline-P02"),
        ("Ärmel_visite1", "Ärmel_visite2", "Bär_visite1"),
    ],
)
def test_names_that_say_visit_are_visits_of_one_patient(names):
    found = find_visits(names)
    first, second, other = (found[name] for name in names)
    assert first[0] == second[0] != other[0]
    assert first[1] != second[1]


@pytest.mark.parametrize(
    "names",
    [
        ("MS_001", "MS_002", "MS_003"),
        ("BRATS_001", "BRATS_002"),
        ("case_2019_01", "case_2019_02", "case_2019_03"),
        ("P01_v1", "P02_v1", "P03_v1"),
        ("Rev1", "Rev2"),
        ("MS_2019", "MS_2020"),
        ("study_01_001", "study_01_002"),
        ("P01a", "P02a"),
        ("a", "b"),
        ("", "_"),
    ],
)
def test_other_names_are_patients_of_their_own(names):
    assert find_visits(names) == {}


def test_trailing_numbers_are_asked_about_and_taken_as_told():
    names = ("MS_001_01", "MS_001_02", "MS_002_01")
    with pytest.raises(RequestError, match="MS_001_01 and MS_001_02") as caught:
        find_visits(names)
    assert "--visits" in caught.value.remedy
    assert find_visits(names, how="none") == {}
    assert find_visits(names, how="by-name")["MS_001_02"] == ("MS_001", "02")


@pytest.mark.parametrize(
    "names",
    [
        ("P001A", "P001B", "P002A"),
        ("P001_a", "P001_b", "P002_a"),
        ("P001_I", "P001_II", "P002_I"),
        ("P001_2019", "P001_2020", "P002_2019"),
    ],
)
def test_letters_roman_numbers_and_years_behind_a_patient_are_asked_about(names):
    with pytest.raises(RequestError, match=f"{names[0]} and {names[1]}"):
        find_visits(names)
    found = find_visits(names, how="by-name")
    assert found[names[0]][0] == found[names[1]][0] != found[names[2]][0]


def test_patients_of_a_library_that_read_like_visits_are_named():
    assert find_names_told_apart(["P01v1", "P01v2", "P02"]) == [("P01v1", "P01v2")]
    assert find_names_told_apart(["P01", "P02"]) == []
