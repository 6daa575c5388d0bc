"""A working exam written into a folder and read back."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import BadExam
from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.working_exam import MutualInformation, WorkingExam
from MSSoftSegLib.preprocessing.working_folder import read_working_folder, write_working_folder

from .small_heads import motion

MOTION = motion(degrees=(5.0, -3.0, 11.0), shift_mm=(1 / 3, 2.0, -7.0))
OBLIQUE = Grid((4, 5, 6), (1.0, 1.0, 1.0), (10 / 3, -71.123456789, 45.0), tuple(MOTION.GetMatrix()))


@pytest.fixture
def working() -> WorkingExam:
    rng = np.random.default_rng(3)
    mask = np.zeros((6, 5, 4), np.uint8)
    mask[1:5, 1:4, 1:3] = 1
    images = {
        m: OBLIQUE.image((rng.normal(size=mask.shape) * mask).astype(np.float32)) for m in (Modality.FLAIR, Modality.T1)
    }
    native = Grid((9, 8, 3), (0.719, 0.719, 3.0), (1 / 7, 2.0, 3.0), tuple(np.eye(3).ravel().tolist()))
    return WorkingExam(
        images=images,
        brain_mask=OBLIQUE.image(mask),
        target=Modality.T1,
        native_from_working={Modality.FLAIR: MOTION, Modality.T1: sitk.Transform(3, sitk.sitkIdentity)},
        native_grids={Modality.FLAIR: native, Modality.T1: OBLIQUE},
        mutual_information={Modality.FLAIR: MutualInformation(before=0.5, after=0.7)},
    )


def test_everything_comes_back(tmp_path, working):
    write_working_folder(working, tmp_path / "working")
    found = read_working_folder(tmp_path / "working")
    for modality in working.modalities:
        assert np.array_equal(voxels(found.images[modality]), voxels(working.images[modality]))
    assert np.array_equal(voxels(found.brain_mask), voxels(working.brain_mask))
    assert found.grid == working.grid
    assert found.target is Modality.T1
    assert found.native_grids == working.native_grids
    assert found.mutual_information == working.mutual_information
    point = (10.0, -40.0, 33.0)
    for modality in working.modalities:
        there = found.native_from_working[modality].TransformPoint(point)
        assert there == pytest.approx(working.native_from_working[modality].TransformPoint(point), abs=1e-9)
        assert found.working_from_native(modality).TransformPoint(there) == pytest.approx(point, abs=1e-6)


def test_the_files_have_the_documented_names_and_directions(tmp_path, working):
    write_working_folder(working, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "FLAIR.nii.gz",
        "FLAIR_to_working.tfm",
        "T1.nii.gz",
        "T1_to_working.tfm",
        "brain_mask.nii.gz",
        "working.json",
    ]
    transform = sitk.ReadTransform(str(tmp_path / "FLAIR_to_working.tfm"))
    assert transform.TransformPoint((1.0, 2.0, 3.0)) == pytest.approx(MOTION.TransformPoint((1.0, 2.0, 3.0)))


@pytest.mark.parametrize("name", ["working.json", "T1_to_working.tfm"])
def test_an_incomplete_folder_is_refused_by_the_missing_name(tmp_path, working, name):
    write_working_folder(working, tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(BadExam, match=name):
        read_working_folder(tmp_path)


def test_an_image_of_another_grid_is_refused(tmp_path, working):
    write_working_folder(working, tmp_path)
    facts = json.loads((tmp_path / "working.json").read_text())
    facts["working_grid"]["origin_mm"][0] += 1.0
    (tmp_path / "working.json").write_text(json.dumps(facts))
    with pytest.raises(BadExam, match=r"FLAIR\.nii\.gz does not lie on the grid"):
        read_working_folder(tmp_path)


def test_unknown_facts_are_refused(tmp_path, working):
    write_working_folder(working, tmp_path)
    facts = json.loads((tmp_path / "working.json").read_text())
    (tmp_path / "working.json").write_text(json.dumps({**facts, "surprise": 1}))
    with pytest.raises(BadExam, match=r"working\.json"):
        read_working_folder(tmp_path)
