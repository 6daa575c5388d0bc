"""``mss.read_exam``: a folder or files, and one sentence where it is neither or both."""

from __future__ import annotations

import pytest

import MSSoftSegLib as mss
from Testing.MSSoftSegLib.jobs.small_exam import write_small_exam


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_exam(tmp_path_factory.mktemp("read-exam"))[0]


def test_a_folder_and_its_single_files_are_the_same_exam(folder):
    whole = mss.read_exam(folder)
    named = mss.read_exam(flair=folder / "FLAIR.nii.gz", t1=str(folder / "T1.nii.gz"), t2=folder / "T2.nii.gz")
    assert whole.modalities == named.modalities == (mss.Modality.FLAIR, mss.Modality.T1, mss.Modality.T2)
    assert [image.sha256 for image in whole.images.values()] == [image.sha256 for image in named.images.values()]


def test_a_plain_word_names_a_modality_too(folder):
    exam = mss.read_exam(folder)
    assert exam.image("t1") is exam.image(mss.Modality.T1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "no exam is given"),
        ({"folder": "somewhere", "flair": "one.nii.gz"}, "an exam folder and single files"),
        ({"folder": "nowhere-at-all"}, "does not exist"),
        ({"t1": "one.nii.gz"}, "no FLAIR image"),
        ({"flair": "missing.nii.gz"}, "missing.nii.gz does not exist"),
    ],
)
def test_what_is_no_exam_is_said_in_one_sentence_with_a_remedy(given, said):
    with pytest.raises(mss.MSSoftSegError, match=said) as refused:
        mss.read_exam(**given)
    assert refused.value.remedy
