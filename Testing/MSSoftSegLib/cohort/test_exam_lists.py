"""The exams of a BIDS data set, a table and a folder of folders; what is wrong with one stops no other."""

from __future__ import annotations

import pytest

from MSSoftSegLib.cohort.bids_tree import check_described, find_bids_exams
from MSSoftSegLib.cohort.exam_folders import find_exams
from MSSoftSegLib.cohort.exam_list import choose_exams, select_part
from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.modality import Modality


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def names(exams):
    return [str(exam) for exam in exams]


def test_a_bids_tree_has_one_exam_a_session_or_participant(tmp_path):
    touch(tmp_path, "sub-2/anat/sub-2_FLAIR.nii.gz", "sub-1/ses-b/anat/x.nii", "sub-1/ses-a/anat/x.nii", "sub-3/func/x")
    exams = find_bids_exams(tmp_path)
    assert names(exams) == ["sub-1_ses-a", "sub-1_ses-b", "sub-2"]
    assert [exam.problem for exam in exams] == [None] * 3
    assert names(choose_exams(exams, participants=["sub-1"], sessions=["b"])) == ["sub-1_ses-b"]
    assert names(choose_exams(exams, participants=["1", "2"])) == names(exams)


def test_a_folder_whose_name_is_none_of_bids_is_left_out_and_said_so(tmp_path, caplog):
    assert names(find_bids_exams(touch(tmp_path, "sub-1/anat/x.nii", "sub-1 b/anat/x.nii"))) == ["sub-1"]
    assert "sub-1 b is left out" in caplog.text


def test_a_label_that_no_folder_has_is_named(tmp_path):
    exams = find_bids_exams(touch(tmp_path, "sub-2/anat/sub-2_FLAIR.nii.gz"))
    with pytest.raises(RequestError, match="no sub-7"):
        choose_exams(exams, participants=["2", "7"])
    with pytest.raises(RequestError, match="no ses-1"):
        choose_exams(exams, sessions=["1"])


def test_images_with_and_without_session_are_a_problem_of_that_participant_alone(tmp_path):
    touch(tmp_path, "sub-1/anat/x.nii", "sub-1/ses-a/anat/x.nii", "sub-2/anat/x.nii")
    problems = {str(exam): exam.problem for exam in find_bids_exams(tmp_path)}
    assert problems.pop("sub-2") is None
    assert all("with and without a session" in problem.message for problem in problems.values())


def test_the_same_holds_in_a_table(tmp_path):
    touch(tmp_path, "b.nii")
    (tmp_path / "c.csv").write_text("participant,session,flair\n1,,b.nii\n1,x,b.nii\n2,,b.nii\n")
    assert [exam.problem is None for exam in find_exams(tmp_path / "c.csv")] == [False, False, True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "has no dataset_description.json"),
        ("{", "not readable JSON"),
        ("[]", "lacks Name"),
        ('{"Name": "x"}', "lacks BIDSVersion"),
    ],
)
def test_a_data_set_that_is_not_described_is_refused_by_what_it_lacks(tmp_path, text, said):
    if text is not None:
        (tmp_path / "dataset_description.json").write_text(text)
    with pytest.raises(RequestError, match=said) as refused:
        check_described(tmp_path)
    assert "--skip-bids-validation" in refused.value.remedy


def test_a_table_names_folders_or_files_relative_to_itself(tmp_path):
    touch(tmp_path, "data/a/FLAIR.nii", "data/b.nii", "data/t1.nii")
    (tmp_path / "data" / "cohort.csv").write_text(
        "Participant;session;exam;flair;t1\n01;1;a;;\nsub-02;;;b.nii;t1.nii\n\n"
    )
    first, second = find_exams(tmp_path / "data" / "cohort.csv")
    assert (str(first), first.folder) == ("sub-01_ses-1", tmp_path / "data" / "a")
    assert str(second) == "sub-02"
    assert dict(second.files) == {
        Modality.FLAIR: tmp_path / "data" / "b.nii",
        Modality.T1: tmp_path / "data" / "t1.nii",
    }
    assert first.problem is second.problem is None


def test_a_row_whose_files_are_missing_is_listed_and_stops_no_other(tmp_path):
    touch(tmp_path, "b.nii")
    (tmp_path / "c.csv").write_text("participant,flair,exam\n1,a.nii,\n2,b.nii,\n3,,gone\n4,,\n5,b.nii,gone\n")
    problems = [exam.problem and exam.problem.message for exam in find_exams(tmp_path / "c.csv")]
    assert problems == [
        "c.csv, line 2: there is no file a.nii",
        None,
        "c.csv, line 4: there is no folder gone",
        "c.csv, line 5: gives no FLAIR image",
        "c.csv, line 6: gives both a folder and files",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lacks the column"),
        ("participant,t1\n1,a\n", "lacks the column"),
        ("participant,flair,Flare\n1,a,b\n", "has a column 'flare'"),
        ("participant,flair\n", "lists no exam"),
        ("participant,flair\na b,x.nii\n", "line 2: 'a b' is not a patient id"),
        ("participant,flair\n1,x.nii\n1,y.nii\n", "two exams are called sub-1"),
        ("participant,flair\na,x.nii\nA,y.nii\n", "differ in capitals only"),
    ],
)
def test_a_table_that_does_not_hold_is_refused_by_what_is_wrong(tmp_path, text, said):
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(RequestError, match=said):
        find_exams(tmp_path / "c.csv")


def test_a_row_of_too_many_values_and_images_of_another_participant_are_told(tmp_path, caplog):
    touch(tmp_path, "a/FLAIR.nii", "b/FLAIR.nii")
    (tmp_path / "c.csv").write_text("participant,exam\n1,a\n2,b\n3,./a\n")
    find_exams(tmp_path / "c.csv")
    assert caplog.messages == ["c.csv, line 4: sub-3 has the images of sub-1"]
    (tmp_path / "c.csv").write_text("participant,exam\n1,a,b\n")
    with pytest.raises(RequestError, match=r"c\.csv, line 2: more values than columns"):
        find_exams(tmp_path / "c.csv")


def test_a_folder_of_exam_folders_is_a_cohort(tmp_path):
    touch(tmp_path, "patient 1/FLAIR.nii.gz", "p-2/visit_1/FLAIR.nii", "p-2/visit_2/FLAIR.nii", "notes/readme.txt")
    assert names(find_exams(tmp_path)) == ["sub-p2_ses-visit1", "sub-p2_ses-visit2", "sub-patient1"]


def test_two_folders_that_come_to_one_name_are_refused(tmp_path):
    touch(tmp_path, "p 1/FLAIR.nii", "p_1/FLAIR.nii")
    with pytest.raises(RequestError, match="two exams are called sub-p1"):
        find_exams(tmp_path)


def test_parts_of_a_job_array_are_every_exam_once(tmp_path):
    exams = find_bids_exams(touch(tmp_path, *(f"sub-{n}/anat/x.nii" for n in range(10))))
    parts = [names(select_part(exams, number, 4)) for number in (1, 2, 3, 4)]
    assert sorted(name for part in parts for name in part) == names(exams)
    assert select_part(exams[:2], 3, 4) == ()
    with pytest.raises(RequestError, match="no part 5 of 4"):
        select_part(exams, 5, 4)
