"""Brain masks from files and from skull-stripped images."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import BadExam, BadImage, GridMismatch, WeightsMissing
from MSSoftSegLib.exam.geometry import have_same_grid, voxels
from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing import steps
from MSSoftSegLib.preprocessing.brain_extraction.backend import choose_backend, say_why_atlas
from MSSoftSegLib.preprocessing.brain_extraction.given import find_nonzero_brain, read_brain_mask
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings

from .small_heads import exam, head


def reference() -> sitk.Image:
    image = sitk.GetImageFromArray(np.zeros((3, 4, 5), np.float32))
    image.SetSpacing((1.0, 2.0, 3.0))
    return image


def test_negative_voxels_of_a_stripped_image_are_brain():
    image = reference()
    image[1, 2, 1] = -4.0
    image[2, 2, 1] = 9.0
    assert np.argwhere(voxels(find_nonzero_brain(image, name="FLAIR.nii.gz"))).tolist() == [[1, 2, 1], [1, 2, 2]]


def test_a_head_with_its_skull_is_not_taken_for_a_brain():
    with pytest.raises(BadExam, match=r"FLAIR\.nii\.gz is not skull-stripped: 100%"):
        find_nonzero_brain(reference() + 5.0, name="FLAIR.nii.gz")


def test_an_image_of_zeros_holds_no_brain():
    with pytest.raises(BadImage, match="nothing but zeros"):
        find_nonzero_brain(reference(), name="FLAIR.nii.gz")


def test_every_label_of_a_mask_file_is_brain(tmp_path):
    mask = sitk.Cast(reference(), sitk.sitkUInt8)
    mask[0, 1, 2] = 1
    mask[4, 3, 0] = 3
    write_image(mask, tmp_path / "brain.nii.gz")
    found = read_brain_mask(tmp_path / "brain.nii.gz", reference())
    assert np.argwhere(voxels(found)).tolist() == [[0, 3, 4], [2, 1, 0]]
    assert voxels(found).max() == 1
    assert have_same_grid(found, reference())


def test_an_empty_mask_file_is_refused(tmp_path):
    write_image(sitk.Cast(reference(), sitk.sitkUInt8), tmp_path / "brain.nii.gz")
    with pytest.raises(BadImage, match=r"brain\.nii\.gz is empty"):
        read_brain_mask(tmp_path / "brain.nii.gz", reference())


def test_a_mask_on_other_voxels_of_the_same_space_is_taken_by_nearest_neighbor_and_said(tmp_path, caplog):
    """Half the spacing, other axes, another origin: the same places are brain."""
    fine = sitk.GetImageFromArray(np.zeros((8, 10, 6), np.uint8))
    fine.SetSpacing((1.5, 0.5, 1.0))
    # i runs along z, j along x, k along y; the image's voxel (2, 1, 1) holds (2, 2, 3) mm.
    fine.SetDirection((0, 1, 0, 0, 0, 1, 1, 0, 0))
    for index in np.ndindex(6, 10, 8):
        point = fine.TransformIndexToPhysicalPoint([int(each) for each in index])
        inside = all(
            abs(at - middle) <= half for at, middle, half in zip(point, (2, 2, 3), (0.5, 1.0, 1.5), strict=True)
        )
        fine[[int(each) for each in index]] = int(inside)
    write_image(fine, tmp_path / "brain.nii.gz")
    caplog.set_level("INFO")
    found = read_brain_mask(tmp_path / "brain.nii.gz", reference())
    assert np.argwhere(voxels(found)).tolist() == [[1, 1, 2]]
    assert have_same_grid(found, reference())
    assert "brain.nii.gz lies on other voxels" in caplog.text
    assert "nearest neighbor" in caplog.text


def test_a_mask_of_another_space_is_refused(tmp_path):
    mask = sitk.Cast(reference(), sitk.sitkUInt8) + 1
    mask.SetOrigin((0.0, 0.0, 7.0))
    write_image(mask, tmp_path / "brain.nii.gz")
    with pytest.raises(GridMismatch, match=r"only 33% of the brain mask brain\.nii\.gz"):
        read_brain_mask(tmp_path / "brain.nii.gz", reference())


def test_a_mask_needs_its_reference_image_in_the_exam():
    settings = PreprocessingSettings(brain="none", reference=Modality.T2)
    with pytest.raises(BadExam, match="no T2"):
        steps.recall_given_brain(exam(flair=head(Modality.FLAIR)), settings)


@pytest.mark.parametrize(("installed", "backend"), [(True, "hd-bet"), (False, "atlas")])
def test_auto_is_hd_bet_where_it_is_installed(monkeypatch, installed, backend):
    lack = None if installed else WeightsMissing("no weights", remedy="get them")
    monkeypatch.setattr("MSSoftSegLib.preprocessing.brain_extraction.backend.find_hd_bet_lack", lambda: lack)
    assert choose_backend("auto") == backend
    assert choose_backend("atlas") == "atlas"


@pytest.mark.parametrize(("installed", "asked", "lines"), [(False, "auto", 1), (True, "auto", 0), (False, "atlas", 0)])
def test_why_the_atlas_is_taken_is_said_where_nobody_asked_for_it(monkeypatch, caplog, installed, asked, lines):
    lack = None if installed else WeightsMissing("no weights", remedy="get them")
    monkeypatch.setattr("MSSoftSegLib.preprocessing.brain_extraction.backend.find_hd_bet_lack", lambda: lack)
    with caplog.at_level("INFO"):
        say_why_atlas(asked)
        choose_backend(asked)
    assert [record.getMessage() for record in caplog.records] == ["brain extraction by the atlas: no weights"] * lines
