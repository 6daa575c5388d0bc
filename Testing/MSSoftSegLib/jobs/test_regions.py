"""The regions job on a brain of boxes: files, numbers, refusals."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.preprocessing.working_folder import write_working_folder
from Testing.MSSoftSegLib.region.box_brain import GRID, box_brain, lesion


@pytest.fixture
def boxes(tmp_path):
    """A finished preprocessing, a segmentation of its regions with a table of numbers, and a mask of three lesions."""
    brain = GRID.image(np.ones(GRID.size[::-1], np.uint8))
    flair = GRID.image(np.random.default_rng(0).normal(100, 5, GRID.size[::-1]).astype(np.float32))
    same = sitk.Euler3DTransform()
    exam = WorkingExam(
        {Modality.FLAIR: flair}, brain, Modality.FLAIR, {Modality.FLAIR: same}, {Modality.FLAIR: GRID}, {}
    )
    write_working_folder(exam, tmp_path / "exam")
    write_image(box_brain().labels(), tmp_path / "own.nii.gz")
    numbers = {"cerebral_white": [1], "cortex": [2], "deep_gray": [3], "infratentorial": [5], "lateral_ventricle": [6]}
    (tmp_path / "numbers.json").write_text(json.dumps(numbers))
    lesions = lesion((10, 16)) + lesion((27, 33)) + lesion((27, 33), z=(2, 7))
    write_image(GRID.image(lesions.astype(np.uint8)), tmp_path / "mask.nii.gz")
    return tmp_path


def command(folder, *more, mask="mask.nii.gz", out="out"):
    own = ["--regions", folder / "own.nii.gz", "--scheme", "custom", "--region-numbers", folder / "numbers.json"]
    given = ["regions", "--mask", folder / mask, "--exam", folder / "exam", "--out", folder / out, *own, *more]
    return run_command([str(each) for each in given])


def test_every_lesion_gets_its_place_and_the_exam_its_count(boxes):
    assert command(boxes, "--spinal-cord", "affected") == 0
    with (boxes / "out" / "lesions.csv").open(newline="") as file:
        places = sorted(row["region"] for row in csv.DictReader(file))
    assert places == ["deep_white", "infratentorial", "periventricular"]
    facts = json.loads((boxes / "out" / "regions.json").read_text())
    assert facts["count_by_place"]["periventricular"] == 1
    assert sum(facts["volume_ml_by_place"].values()) == pytest.approx(facts["volume_ml"]["lesions"], abs=1e-3)
    counted = {answer["definition"]: answer for answer in facts["dissemination_in_space"]}
    assert counted["2017"]["affected_probability"]["spinal_cord"] == 1
    assert counted["2024"]["affected_probability"]["optic_nerve"] is None
    assert str(boxes) not in json.dumps(facts)


def test_split_instances_come_with_an_interval_and_the_choice_is_recorded(boxes):
    assert command(boxes, "--instances", "split") == 0
    facts = json.loads((boxes / "out" / "regions.json").read_text())
    assert facts["instances"] == "split"
    low, high = facts["lesion_count_interval"]
    assert low <= facts["lesions"] <= high


def test_a_mask_of_another_grid_is_refused_and_nothing_is_left(boxes, capsys):
    other = Grid((20, 20, 20), (2.0, 2.0, 2.0), GRID.origin_mm, GRID.direction)
    write_image(other.image(np.ones((20, 20, 20), np.uint8)), boxes / "other.nii.gz")
    assert command(boxes, mask="other.nii.gz") == 2
    assert "other.nii.gz lies on the grid of no image of the exam" in capsys.readouterr().err
    assert not (boxes / "out").exists()


def test_a_segmentation_without_a_scheme_is_refused(boxes, capsys):
    arguments = ["regions", "--mask", "m.nii.gz", "--exam", "e", "--out", "o", "--regions", "own.nii.gz"]
    assert run_command(arguments) == 2
    assert "go together" in capsys.readouterr().err


@pytest.mark.parametrize("value", [255, 2])
def test_other_values_than_1_count_and_are_told_by_value_and_count(boxes, capsys, value):
    mask = sitk.GetArrayFromImage(sitk.ReadImage(str(boxes / "mask.nii.gz")))
    write_image(GRID.image(mask * np.uint8(value)), boxes / "other.nii.gz")
    assert command(boxes, mask="other.nii.gz") == 0
    (warning,) = json.loads((boxes / "out" / "regions.json").read_text())["warnings"]
    assert f"{value} ({np.count_nonzero(mask)} voxels): all of them count as lesion" in warning
    assert warning in capsys.readouterr().err


def test_a_mask_of_the_brain_has_no_lesions_to_place(boxes, capsys):
    write_image(GRID.image(np.ones(GRID.size[::-1], np.uint8)), boxes / "brain.nii.gz")
    assert command(boxes, mask="brain.nii.gz") == 2
    assert "brain.nii.gz marks 100% of the brain as lesion" in capsys.readouterr().err


def test_a_segmentation_that_was_interpolated_is_refused(boxes, capsys):
    own = sitk.GetArrayFromImage(sitk.ReadImage(str(boxes / "own.nii.gz"))).astype(np.float32)
    write_image(GRID.image((own + np.roll(own, 1, 2)) / 2), boxes / "own.nii.gz")
    assert command(boxes) == 2
    assert "own.nii.gz holds" in capsys.readouterr().err
