"""Files of one folder that belong to two people or two days, sidecars of every converter, and files that are not there."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from MSSoftSegLib.errors import BadExam, BadImage
from MSSoftSegLib.exam.image_file import read_image, write_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import check_one_visit, find_exam
from MSSoftSegLib.exam.recognition import CONTRAST_ENHANCED_T1, recognize
from MSSoftSegLib.exam.sidecar import read_sidecar
from Testing.MSSoftSegLib.exam.made_files import made_image, refusal
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.library.made_cases import gray, new_library, written


def check_names(folder: Path, *names: str) -> None:
    check_one_visit({modality: folder / f"{name}.nii.gz" for modality, name in zip(Modality, names, strict=False)})


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (("sub-01_FLAIR", "sub-02_T1w"), "different patients: 'sub-'"),
        (("sub-01_ses-1_FLAIR", "sub-01_ses-2_T1w"), "different visits: 'ses-'"),
        (("fixed_sub-7_FLAIR", "sub-07_T1w"), "different patients: 'sub-'"),
    ],
)
def test_names_of_two_patients_or_visits_are_never_one_exam(tmp_path: Path, names: tuple[str, str], what: str) -> None:
    with pytest.raises(BadExam, match=what):
        check_names(tmp_path, *names)


def test_names_that_do_not_contradict_are_one_exam(tmp_path: Path) -> None:
    check_names(tmp_path, "sub-01_ses-A_FLAIR", "sub-01_T1w", "SUB-01_ses-a_T2w")


@pytest.mark.parametrize(
    ("dates", "together"),
    [
        (("20200131", "20200202"), True),
        (("2020-01-31T10:11:12.000000", "2020-02-20T08:00:00"), True),
        (("2019-01-31T10:11:12", "20200131101112"), False),
        (("unknown", "20200131"), True),
        ((20190131, "20200131"), True),
    ],
)
def test_images_of_days_far_apart_are_of_two_visits(
    tmp_path: Path, dates: tuple[object, object], together: bool
) -> None:
    for name, date in zip(("a", "b"), dates, strict=True):
        (tmp_path / f"{name}.json").write_text(json.dumps({"AcquisitionDateTime": date}))
    if together:
        check_names(tmp_path, "a", "b")
        return
    with pytest.raises(BadExam, match="different visits") as caught:
        check_names(tmp_path, "a", "b")
    assert "2020" not in str(caught.value)


def test_a_library_takes_no_case_of_two_people(tmp_path: Path) -> None:
    images = {}
    for number, modality in enumerate((Modality.FLAIR, Modality.T1)):
        images[modality] = written(gray(number), tmp_path / f"{modality}.nii.gz")
        (tmp_path / f"{modality}.json").write_text(json.dumps({"PatientID": f"P{number}"}))
    with pytest.raises(BadExam, match="different patients"):
        add_case(new_library(tmp_path), patient="01", images=images)


# --- sidecars


@pytest.mark.parametrize(
    ("name", "sidecar"),
    [
        ("FLAIR.nii", {"InversionTime": "0.9"}),
        ("FLAIR.nii", {"InversionTime": 900, "EchoTime": 3, "RepetitionTime": 2300}),
        ("T2.nii", {"InversionTime": "2.5"}),
        ("T1.nii", {"ContrastBolusVolume": "7.5"}),
    ],
)
def test_times_as_text_or_in_milliseconds_contradict_a_name_too(name: str, sidecar: dict[str, object]) -> None:
    assert recognize(name, sidecar).modality is None


def test_times_in_milliseconds_decide_where_no_words_do() -> None:
    in_ms = {"InversionTime": 2500, "EchoTime": 120, "RepetitionTime": 9000}
    assert recognize("image001.nii.gz", in_ms).modality is Modality.FLAIR
    assert recognize("FLAIR.nii.gz", in_ms).modality is Modality.FLAIR


def test_a_modality_in_a_list_is_one() -> None:
    assert recognize("FLAIR.nii", {"Modality": ["MR"]}).modality is Modality.FLAIR
    assert recognize("FLAIR.nii", {"Modality": ["CT"]}).modality is None


def test_a_sidecar_in_an_old_encoding_is_read(tmp_path: Path) -> None:
    (tmp_path / "T1.json").write_bytes('{"ContrastBolusAgent": "Gadovist für MR"}'.encode("latin-1"))
    assert recognize("T1.nii.gz", read_sidecar(tmp_path / "T1.nii.gz")).reason == CONTRAST_ENHANCED_T1


# --- files that are not there, or are something else


def test_a_link_whose_file_was_not_fetched_is_no_missing_contrast(tmp_path: Path) -> None:
    write_image(made_image(), tmp_path / "FLAIR.nii.gz")
    (tmp_path / "T1.nii.gz").symlink_to(tmp_path / ".git" / "annex" / "objects" / "nothing")
    with pytest.raises(BadExam, match=r"T1\.nii\.gz is a link to a file that is not here"):
        find_exam(tmp_path)
    (tmp_path / "T1.nii.gz").rename(tmp_path / "notes.nii.gz")
    assert list(find_exam(tmp_path).chosen) == [Modality.FLAIR]


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize(
    "content", [b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", b"/annex/objects/MD5E"]
)
def test_a_pointer_in_the_place_of_an_image_is_called_one(tmp_path: Path, suffix: str, content: bytes) -> None:
    (tmp_path / f"FLAIR{suffix}").write_bytes(content)
    assert "not here" in refusal(read_image, tmp_path / f"FLAIR{suffix}")


def test_a_wrong_name_is_told_the_right_way_round(tmp_path: Path) -> None:
    write_image(made_image(), tmp_path / "a.nii.gz")
    packed = (tmp_path / "a.nii.gz").read_bytes()
    (tmp_path / "packed.nii").write_bytes(packed)
    (tmp_path / "plain.nii.gz").write_bytes(gzip.decompress(packed))
    (tmp_path / "page.nii.gz").write_bytes(b"<!DOCTYPE html><html>sign in</html>")
    assert "rename it to .nii.gz" in refusal(read_image, tmp_path / "packed.nii")
    assert refusal(read_image, tmp_path / "plain.nii.gz").endswith("rename it to .nii")
    with pytest.raises(BadImage, match="neither") as caught:
        read_image(tmp_path / "page.nii.gz")
    assert "rename" not in caught.value.remedy
