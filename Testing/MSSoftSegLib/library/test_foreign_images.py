"""Images of other people's cases: what is given as two contrasts should be two images."""

from __future__ import annotations

import logging

import pytest

from MSSoftSegLib.exam.modality import Modality
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.library.made_cases import gray, new_library, written


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
