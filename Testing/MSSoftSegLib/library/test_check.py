"""Whatever happens to a file of the library, check names it; and it is content with a library that is sound."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from MSSoftSegLib.errors import BadLibrary
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.check import check_library
from MSSoftSegLib.library.layout import CaseId, resolve_inside
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.library.made_cases import case_files, flair_only, gray, labels, new_library, soft
from Testing.MSSoftSegLib.library.saves import ask


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    made = new_library(tmp_path_factory.mktemp("checked"))
    images = {Modality.FLAIR: gray(), Modality.T1: gray(1), Modality.PD: gray(2)}
    add_case(made, patient="1", session="a", images=images, raters={"A": labels(), "B": labels(1)}, status="approved")
    add_case(made, patient="2", images=flair_only(3), soft_label=soft(), confidence=soft(1))
    add_case(made, patient="3", images=flair_only(4))
    return made


def named(library):
    return {(finding.kind, finding.file) for finding in check_library(library)}


def test_a_sound_library_has_no_findings(library):
    assert check_library(library) == []


FILES = (
    "sub-1/ses-a/anat/sub-1_ses-a_FLAIR.nii.gz",
    "sub-1/ses-a/anat/sub-1_ses-a_T1w.nii.gz",
    "sub-1/ses-a/anat/sub-1_ses-a_PDw.nii.gz",
    "sub-3/anat/sub-3_FLAIR.nii.gz",
    "derivatives/mssoftseg/sub-1/ses-a/anat/sub-1_ses-a_space-FLAIR_label-lesion_desc-B_dseg.nii.gz",
    "derivatives/mssoftseg/sub-2/anat/sub-2_space-FLAIR_label-lesion_desc-soft_probseg.nii.gz",
    "derivatives/mssoftseg/sub-2/anat/sub-2_space-FLAIR_label-lesion_desc-softconfidence_probseg.nii.gz",
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(FILES), data=st.data())
def test_any_truncation_and_any_flipped_bit_of_any_file_is_named(library, name, data):
    path = library / name
    content = path.read_bytes()
    where = data.draw(st.integers(0, len(content) - 1))
    harmed = bytearray(content)
    harmed[where] ^= 1 << data.draw(st.integers(0, 7))
    for bad in (content[:where], bytes(harmed), content + b"\0"):
        try:
            path.write_bytes(bad)
            assert named(library) == {("damaged", name)}
        finally:
            path.write_bytes(content)


@pytest.mark.parametrize("name", FILES)
def test_a_deleted_file_is_named_as_missing(library, name):
    path = library / name
    content = path.read_bytes()
    path.unlink()
    try:
        assert named(library) == {("missing", name)}
        path.mkdir()
        assert named(library) == {("damaged", name)}
        path.rmdir()
    finally:
        path.write_bytes(content)


def test_two_masks_that_changed_places_are_both_named(library):
    case = CaseId("1", "a")
    first, second = (resolve_inside(library, case.rater_mask(rater)) for rater in "AB")
    contents = first.read_bytes(), second.read_bytes()
    first.write_bytes(contents[1])
    second.write_bytes(contents[0])
    try:
        assert named(library) == {("damaged", str(case.rater_mask(rater))) for rater in "AB"}
    finally:
        first.write_bytes(contents[0])
        second.write_bytes(contents[1])


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "sub-1/ses-a/anat/sub-1_ses-a_T2w.nii.gz",
        "sub-1/ses-a/anat/sub-1_ses-a_FLAIR.json",
        "sub-1/anat/sub-1_ses-a_FLAIR.nii.gz",
        "sub-9/anat/notes.txt",
        "derivatives/mssoftseg/sub-1/ses-a/anat/sub-1_ses-a_space-FLAIR_label-lesion_desc-C_dseg.nii.gz",
        "derivatives/other/sub-1/anat/sub-1_mask.nii.gz",
        "derivatives/mssoftseg/sub-1/ses-a/anat/sub-1_ses-a_case.json~",
    ],
)
def test_a_file_that_nobody_recorded_is_named_as_foreign(library, name):
    path = library / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"whatever")
    try:
        assert named(library) == {("foreign", name)}
    finally:
        path.unlink()


def test_what_operating_systems_leave_and_what_bids_allows_is_not_foreign(library):
    extra = [library / ".DS_Store", library / "sub-1" / "Thumbs.db", library / "CHANGES", library / "participants.json"]
    for path in extra:
        path.write_text("{}")
    assert check_library(library) == []
    for path in extra:
        path.unlink()


@pytest.mark.parametrize("harm", ["garbage", "another case", "shortened", "gone"])
def test_a_case_record_that_does_not_hold_is_named_once_and_its_files_are_not_called_foreign(library, harm):
    record = str(CaseId("1", "a").record)
    path = library / record
    content = path.read_bytes()
    bad = {
        "garbage": b"{]",
        "another case": (library / str(CaseId("2").record)).read_bytes(),
        "shortened": content[:-9],
    }
    try:
        path.unlink() if harm == "gone" else path.write_bytes(bad[harm])
        assert named(library) == {("missing" if harm == "gone" else "damaged", record)}
    finally:
        path.write_bytes(content)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_bit_of_a_case_record_is_named_and_hides_no_other_case(library, data):
    record = str(CaseId("1", "a").record)
    path = library / record
    content = path.read_bytes()
    harmed = bytearray(content)
    harmed[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assume(json_of(harmed) != json_of(content))  # a space for another is no harm
    try:
        path.write_bytes(bytes(harmed))
        assert ("damaged", record) in named(library)
        told = ask("worklist", library=library)
        assert {row["case"] for row in told["cases"]} >= {"sub-2", "sub-3"}
    finally:
        path.write_bytes(content)


def json_of(content):
    try:
        return json.loads(bytes(content))
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("participants.tsv", None, "missing"),
        ("participants.tsv", b"participant_id\nsub-1\nsub-2\n", "damaged"),
        ("participants.tsv", b"\xff\xfe\x80", "damaged"),
        ("derivatives/mssoftseg/dataset_description.json", None, "missing"),
        ("derivatives/mssoftseg/dataset_description.json", b"{", "damaged"),
    ],
)
def test_the_librarys_own_files_are_checked_too(library, name, content, kind):
    path = library / name
    before = path.read_bytes()
    try:
        path.unlink() if content is None else path.write_bytes(content)
        assert named(library) == {(kind, name)}
    finally:
        path.write_bytes(before)


def test_a_lost_participants_table_is_whole_again_after_the_next_case(tmp_path):
    library = new_library(tmp_path)
    for patient in ("1", "2"):
        add_case(library, patient=patient, images=flair_only())
    (library / "participants.tsv").unlink()
    add_case(library, patient="3", images=flair_only())
    assert check_library(library) == []


def test_a_folder_without_description_is_no_library(library, tmp_path):
    for content in (None, b"{", b"[]"):
        folder = tmp_path / "x"
        folder.mkdir(exist_ok=True)
        if content is not None:
            (folder / "dataset_description.json").write_bytes(content)
        with pytest.raises(BadLibrary):
            check_library(folder)


def test_check_itself_writes_nothing_into_a_sound_library(library):
    before = case_files(library)
    times = {name: os.stat(library / name).st_mtime_ns for name in before}
    check_library(library)
    assert case_files(library) == before
    assert {name: os.stat(library / name).st_mtime_ns for name in before} == times
