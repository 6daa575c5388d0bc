"""From a folder to an exam: one image for each role, all of one visit, on their own grids."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import BadExam, BadImage
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, voxels
from MSSoftSegLib.exam.image_file import read_image, write_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import IgnoredFile, find_exam, read_exam, read_exam_folder
from Testing.MSSoftSegLib.exam.made_files import TURN, made_voxels


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose name no message may show."""
    (tmp_path / "Doe_Jane_1980").mkdir()
    return tmp_path / "Doe_Jane_1980"


def write(path: Path, *, spacing_mm: tuple[float, float, float] = (0.9, 1.2, 3.1), add: float = 0.0) -> Path:
    """An oblique image; `add` makes its contents its own."""
    path.parent.mkdir(exist_ok=True)
    grid = Grid((6, 5, 4), spacing_mm, (3.0, -4.0, 5.0), tuple(TURN.ravel().tolist()))
    write_image(grid.image(made_voxels() + np.float32(add)), path)
    return path


def write_sidecar(image: Path, **fields: object) -> None:
    image.with_name(image.name.removesuffix(".nii.gz") + ".json").write_text(json.dumps(fields))


def refusal(call: Callable[[], object], folder: Path) -> str:
    with pytest.raises(BadExam) as caught:
        call()
    assert caught.value.exit_code == 2
    assert caught.value.code == "bad-exam"
    assert caught.value.remedy
    assert folder.name not in str(caught.value)
    return str(caught.value)


# --- what is right


def test_an_exam_holds_each_image_on_its_own_grid_with_its_provenance(folder: Path) -> None:
    t2 = write(folder / "T2.nrrd", spacing_mm=(0.6, 0.6, 3.3), add=1)
    flair = write(folder / "FLAIR.nii.gz", spacing_mm=(0.7, 0.8, 3.0), add=2)
    exam = read_exam({Modality.T2: t2, Modality.FLAIR: flair})
    assert exam.modalities == (Modality.FLAIR, Modality.T2)
    assert exam.image(Modality.FLAIR).GetSpacing() == pytest.approx((0.7, 0.8, 3.0))
    assert exam.image(Modality.T2).GetSpacing() == pytest.approx((0.6, 0.6, 3.3))
    np.testing.assert_array_equal(voxels(exam.image(Modality.FLAIR)), made_voxels() + np.float32(2))
    assert exam.images[Modality.T2].file_name == "T2.nrrd"
    assert exam.images[Modality.T2].sha256 == hashlib.sha256(t2.read_bytes()).hexdigest()


def test_an_exam_of_images_whose_fields_of_view_lie_apart_is_left_to_alignment(folder: Path) -> None:
    flair, t1 = write(folder / "FLAIR.nii.gz"), write(folder / "T1.nii.gz", add=1)
    away = read_exam({Modality.FLAIR: flair}).image(Modality.FLAIR) + 1
    away.SetOrigin((900.0, 0.0, 0.0))
    write_image(away, t1)
    assert read_exam({Modality.FLAIR: flair, Modality.T1: t1}).image(Modality.T1).GetOrigin()[0] == 900


def test_a_folder_is_sorted_into_images_and_the_rest(folder: Path) -> None:
    for index, name in enumerate(["FLAIR.nii.gz", "T1.nii.gz", "T2.nii.gz", "T1_Gd.nii.gz", "lesion_consensus.nii.gz"]):
        write(folder / name, add=index)
    (folder / "T1_to_FLAIR.txt").write_text("transform")
    (folder / ".DS_Store").touch()
    write_sidecar(folder / "FLAIR.nii.gz", SeriesDescription="3D FLAIR")
    found = find_exam(folder)
    assert dict(found.chosen) == {
        Modality.FLAIR: folder / "FLAIR.nii.gz",
        Modality.T1: folder / "T1.nii.gz",
        Modality.T2: folder / "T2.nii.gz",
    }
    assert found.ignored == (
        IgnoredFile(".DS_Store", "a hidden file"),
        IgnoredFile("T1_Gd.nii.gz", "contrast-enhanced T1, not used"),
        IgnoredFile("T1_to_FLAIR.txt", "not an image file"),
        IgnoredFile("lesion_consensus.nii.gz", "a lesion mask"),
    )
    assert read_exam_folder(folder).modalities == (Modality.FLAIR, Modality.T1, Modality.T2)


def test_sidecars_decide_where_names_do_not(folder: Path) -> None:
    write_sidecar(write(folder / "series4.nii.gz"), SeriesDescription="t2_tirm_dark-fluid")
    write_sidecar(write(folder / "series5.nii.gz", add=1), SeriesDescription="mprage", ContrastBolusAgent="Dotarem")
    found = find_exam(folder)
    assert dict(found.chosen) == {Modality.FLAIR: folder / "series4.nii.gz"}
    assert found.ignored == (IgnoredFile("series5.nii.gz", "contrast-enhanced T1, not used"),)


def test_the_anat_folder_of_a_bids_session_is_looked_into(folder: Path) -> None:
    write(folder / "anat" / "sub-01_FLAIR.nii.gz")
    (folder / "scans.tsv").touch()
    assert find_exam(folder).chosen[Modality.FLAIR] == folder / "anat" / "sub-01_FLAIR.nii.gz"


def test_images_in_the_folder_itself_come_before_its_anat_folder(folder: Path) -> None:
    write(folder / "FLAIR.nii.gz")
    write(folder / "anat" / "sub-01_FLAIR.nii.gz", add=1)
    assert find_exam(folder).chosen[Modality.FLAIR] == folder / "FLAIR.nii.gz"


def test_other_subfolders_are_not_searched(folder: Path) -> None:
    write(folder / "FLAIR.nii.gz")
    write(folder / "derivatives" / "T1.nii.gz", add=1)
    assert list(find_exam(folder).chosen) == [Modality.FLAIR]


def test_finding_opens_no_image(folder: Path) -> None:
    (folder / "FLAIR.nii.gz").write_bytes(b"no image at all")
    assert list(find_exam(folder).chosen) == [Modality.FLAIR]
    with pytest.raises(BadImage, match=r"FLAIR\.nii\.gz"):
        read_exam_folder(folder)


# --- what is no exam


def test_a_folder_without_flair_is_refused_naming_its_images_and_the_option(folder: Path) -> None:
    write(folder / "T1.nii.gz")
    write(folder / "unclear.nii.gz", add=1)
    (folder / "notes.txt").touch()
    text = refusal(lambda: find_exam(folder), folder)
    assert "among T1.nii.gz, unclear.nii.gz" in text
    assert "--flair FILE" in text
    assert "notes.txt" not in text


def test_a_long_listing_is_cut(folder: Path) -> None:
    for index in range(13):
        (folder / f"image{index:02}.nii").touch()
    assert "image09.nii and 3 more" in refusal(lambda: find_exam(folder), folder)


def test_explicit_files_without_flair_are_refused(folder: Path) -> None:
    t1 = write(folder / "T1.nii.gz")
    text = refusal(lambda: read_exam({Modality.T1: t1}), folder)
    assert "among T1.nii.gz" in text
    assert "--flair FILE" in text


def test_no_file_at_all_is_refused(folder: Path) -> None:
    assert "--flair FILE" in refusal(lambda: read_exam({}), folder)


@pytest.mark.parametrize(
    ("first", "second", "option"),
    [
        ("T1_sag.nii.gz", "mprage.nii.gz", "--t1"),
        ("FLAIR.nii", "FLAIR.nii.gz", "--flair"),
        ("sub-1_run-1_T2w.nii.gz", "sub-1_run-2_T2w.nii.gz", "--t2"),
    ],
)
def test_two_candidates_for_one_role_are_both_named(folder: Path, first: str, second: str, option: str) -> None:
    for index, name in enumerate(["3D_FLAIR.nii.gz", first, second]):
        write(folder / name, add=index)
    if option == "--flair":
        (folder / "3D_FLAIR.nii.gz").unlink()
    text = refusal(lambda: find_exam(folder), folder)
    assert first in text
    assert second in text
    assert f"{option} FILE" in text


def test_a_missing_folder_is_refused(folder: Path) -> None:
    assert "does not exist" in refusal(lambda: find_exam(folder / "none"), folder)


def test_an_empty_folder_is_refused(folder: Path) -> None:
    assert "holds no image" in refusal(lambda: find_exam(folder), folder)


def test_a_file_in_place_of_the_folder_is_refused(folder: Path) -> None:
    path = write(folder / "FLAIR.nii.gz")
    assert "FLAIR.nii.gz is a file" in refusal(lambda: find_exam(path), folder)


def test_a_missing_file_is_refused_by_its_name(folder: Path) -> None:
    flair = write(folder / "FLAIR.nii.gz")
    with pytest.raises(BadImage, match=r"^T1\.nii\.gz does not exist"):
        read_exam({Modality.FLAIR: flair, Modality.T1: folder / "T1.nii.gz"})


def test_one_file_for_two_roles_is_refused_even_through_a_link(folder: Path) -> None:
    flair = write(folder / "FLAIR.nii.gz")
    (folder / "T1.nii.gz").hardlink_to(flair)
    for t1 in (flair, folder / "T1.nii.gz"):
        text = refusal(lambda t1=t1: read_exam({Modality.FLAIR: flair, Modality.T1: t1}), folder)  # type: ignore[misc]
        assert "FLAIR.nii.gz is given as FLAIR and as T1" in text


def test_a_copy_in_a_second_role_is_refused(folder: Path) -> None:
    flair = write(folder / "FLAIR.nii.gz")
    copy = Path(shutil.copy(flair, folder / "T2.nii.gz"))
    text = refusal(lambda: read_exam({Modality.FLAIR: flair, Modality.T2: copy}), folder)
    assert "FLAIR.nii.gz and T2.nii.gz are copies of the same image" in text


# --- one patient, one visit


@pytest.mark.parametrize(
    ("key", "one", "other", "said"),
    [
        ("PatientID", "4711-secret", "4712-secret", "different patients"),
        ("PatientName", "Doe^Jane", "Roe^Richard", "different patients"),
        ("PatientBirthDate", "1980-03-04", "1981-03-04", "different patients"),
        ("StudyInstanceUID", "1.2.840.1", "1.2.840.2", "different visits"),
    ],
)
def test_sidecars_of_different_people_or_visits_are_refused_without_their_values(
    folder: Path, key: str, one: str, other: str, said: str
) -> None:
    flair, t1 = write(folder / "FLAIR.nii.gz"), write(folder / "T1.nii.gz", add=1)
    write_sidecar(flair, **{key: one})
    write_sidecar(t1, **{key: other})
    text = refusal(lambda: read_exam({Modality.FLAIR: flair, Modality.T1: t1}), folder)
    assert said in text
    assert key in text
    assert "FLAIR.nii.gz and T1.nii.gz" in text
    for value in (one, other, "Jane", "secret", "1980"):
        assert value not in text
    assert said in refusal(lambda: read_exam_folder(folder), folder)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"PatientName": "DOE^JANE", "PatientID": 4711}, {"PatientName": "Doe Jane", "PatientID": "4711"}),
        ({"PatientBirthDate": "19800304"}, {"PatientBirthDate": "1980-03-04"}),
        ({"PatientID": "4711"}, {"PatientName": "Doe"}),
        ({"PatientID": "4711"}, {"PatientID": ""}),
        ({"PatientID": "4711"}, {"PatientID": None}),
    ],
)
def test_sidecars_that_do_not_contradict_each_other_pass(
    folder: Path, one: dict[str, object], other: dict[str, object]
) -> None:
    flair, t1 = write(folder / "FLAIR.nii.gz"), write(folder / "T1.nii.gz", add=1)
    write_sidecar(flair, **one)
    write_sidecar(t1, **other)
    assert read_exam({Modality.FLAIR: flair, Modality.T1: t1}).modalities == (Modality.FLAIR, Modality.T1)


def test_files_of_one_name_in_two_folders_keep_their_own_sidecars(folder: Path) -> None:
    flair, t1 = write(folder / "a" / "image.nii.gz"), write(folder / "b" / "image.nii.gz", add=1)
    write_sidecar(flair, PatientID="1")
    write_sidecar(t1, PatientID="2")
    text = refusal(lambda: read_exam({Modality.FLAIR: flair, Modality.T1: t1}), folder)
    assert "different patients" in text


@pytest.mark.parametrize("content", [b"{not json", b"[1, 2]", b"\xff\xfe\x00", b"[" * 100_000])
def test_an_unreadable_sidecar_is_logged_and_ignored(
    folder: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    flair = write(folder / "FLAIR.nii.gz")
    (folder / "FLAIR.json").write_bytes(content)
    with caplog.at_level(logging.WARNING):
        exam = read_exam({Modality.FLAIR: flair})
    assert have_same_grid(exam.image(Modality.FLAIR), read_exam_folder(folder).image(Modality.FLAIR))
    assert "FLAIR.json is not a readable JSON sidecar" in caplog.text
    assert folder.name not in caplog.text


def test_a_path_that_is_not_utf8_is_refused_and_does_not_end_the_process(tmp_path):
    folder = os.fsencode(tmp_path) + b"/M\xfcller"
    os.mkdir(folder)
    path = Path(os.fsdecode(folder + b"/FLAIR.nii.gz"))
    sitk.WriteImage(sitk.GaussianSource(sitk.sitkFloat32, (8, 9, 7)), str(tmp_path / "FLAIR.nii.gz"))
    os.rename(tmp_path / "FLAIR.nii.gz", path)
    with pytest.raises(BadImage, match="not valid UTF-8"):
        read_image(path)
