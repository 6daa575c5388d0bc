"""Images of other people's cases: what is given as two contrasts should be two images."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import read_exam
from MSSoftSegLib.library.exporting.isbi_submission import export_isbi_submission
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.library.made_cases import SIZE, gray, labels, new_library, oblique_grid, written


@pytest.mark.parametrize("name", ["copy.nii.gz", "copy.nrrd"])
def test_one_image_as_two_contrasts_is_told_whatever_file_it_is_in(tmp_path, caplog, name):
    images = {
        Modality.FLAIR: written(gray(1), tmp_path / "flair.nii.gz"),
        Modality.T1: written(gray(1), tmp_path / name),
        Modality.T2: written(gray(2), tmp_path / "t2.nii.gz"),
    }
    with caplog.at_level(logging.WARNING):
        add_case(new_library(tmp_path), patient="01", images=images)
    assert [record.getMessage() for record in caplog.records] == ["sub-01: FLAIR and T1 are the same image"]


def test_a_mask_in_the_place_of_an_image_is_told(tmp_path, caplog):
    mask = sitk.Cast(gray(3) > 400, sitk.sitkUInt8)
    images = {
        Modality.FLAIR: written(gray(1), tmp_path / "flair.nii.gz"),
        Modality.T2: written(mask, tmp_path / "t2.nii.gz"),
    }
    with caplog.at_level(logging.WARNING):
        add_case(new_library(tmp_path), patient="01", images=images)
        read_exam(images)
    first, second = (record.getMessage() for record in caplog.records)
    assert first == "the T2 image of sub-01 holds no values but 0 and 1: is it a mask?"
    assert second == "t2.nii.gz holds no values but 0 and 1: is it a mask?"


def test_numbered_lesions_in_a_submission_are_told(tmp_path, caplog):
    numbered = labels(1, highest=3)
    written(numbered, tmp_path / "predictions" / "test01_01.nii.gz")
    export_isbi_submission(new_library(tmp_path), tmp_path / "out", predictions=tmp_path / "predictions", team="Ours")
    assert any("test01_01.nii.gz holds the values 1 (" in record.getMessage() for record in caplog.records)


def test_one_mask_of_two_raters_is_told(tmp_path, caplog):
    raters = {"A": labels(1), "B": labels(1), "C": labels(2)}
    add_case(new_library(tmp_path), patient="01", images={Modality.FLAIR: gray(1)}, raters=raters)
    assert [each for each in caplog.messages if "same mask" in each] == [
        "the mask of A and the mask of B are the same mask, voxel by voxel: two raters, or one file twice?"
    ]


@pytest.mark.parametrize(
    ("change", "said"), [(lambda soft: soft / 255, "nowhere above"), (lambda soft: 1 - soft, "inverted"), (None, None)]
)
def test_a_soft_label_that_was_scaled_or_inverted_is_told(tmp_path, caplog, change, said):
    values = np.zeros(SIZE[::-1], np.float32)
    values[2, 2, 2:4] = 1, 0.5
    label = oblique_grid(sitk.GetImageFromArray(values if change is None else change(values).astype(np.float32)))
    add_case(new_library(tmp_path), patient="01", images={Modality.FLAIR: gray(1)}, soft_label=label)
    assert [said in each for each in caplog.messages] == ([] if said is None else [True])
