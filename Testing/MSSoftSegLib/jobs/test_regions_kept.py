"""The regions job on a finished result: it reads the regions that the result keeps, and else finds them anew and says so."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.image_file import compute_sha256, write_image
from MSSoftSegLib.exam.linear import matrix_of
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.regions import regions as regions_job
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.preprocessing.working_folder import write_working_folder
from MSSoftSegLib.region.kept_regions import write_region_maps
from MSSoftSegLib.report.region_facts import RegionFacts
from Testing.MSSoftSegLib.region.box_brain import GRID, box_brain, lesion
from Testing.MSSoftSegLib.report.made_up import result_of, segmentation_of

# A motion of the head between T1, on whose grid regions are found, and FLAIR.
FLAIR_FROM_WORKING = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.1, -0.05, 0.2, (9.0, -4.0, 6.0))
VOLUME_ML = {"brain_mask": 70.0, "tissue": 61.0, "ventricles": 8.0, "lesions": 1.0}
PLACES = ["deep_white", "infratentorial", "periventricular"]


def flair_grid() -> Grid:
    """The working grid as the head lay when FLAIR was taken: a voxel's index says the same place of the brain."""
    lps = matrix_of(FLAIR_FROM_WORKING) @ GRID.lps_from_voxel()
    x, y, z = (float(value) for value in lps[:3, 3])
    return Grid(GRID.size, GRID.spacing_mm, (x, y, z), tuple((lps[:3, :3] / GRID.spacing_mm).ravel().tolist()))


def write_facts(folder, **changes):
    """result.json; changes: of the regions that the run found."""
    facts = RegionFacts(
        regions="boxes",
        count_by_place={},
        volume_ml_by_place={},
        volume_ml=VOLUME_ML,
        fractions={},
        dissemination_in_space=(),
        lesions=(),
    )
    path = folder / "region_probabilities.nii.gz"
    given = {"regions": facts, "region_probabilities_sha256": compute_sha256(path), **changes}
    made_up = segmentation_of(GRID, lesion((27, 33)) > 0)
    (folder / "result.json").write_text(result_of(made_up, **given).model_dump_json(), encoding="utf-8")


@pytest.fixture
def result(tmp_path, monkeypatch):
    """A result whose images show no anatomy, with the regions that it keeps, beside a mask of three lesions on its FLAIR.

    Whoever looks for regions there finds none.
    """
    folder = tmp_path / "result"
    brain = GRID.image(np.ones(GRID.size[::-1], np.uint8))
    same = sitk.Euler3DTransform()
    image = GRID.image(np.random.default_rng(0).normal(100, 5, GRID.size[::-1]).astype(np.float32))
    exam = WorkingExam(
        {Modality.FLAIR: image, Modality.T1: image},
        brain,
        Modality.T1,
        {Modality.FLAIR: FLAIR_FROM_WORKING, Modality.T1: same},
        {Modality.FLAIR: flair_grid(), Modality.T1: GRID},
        {},
    )
    write_working_folder(exam, folder / "working")
    write_region_maps(box_brain(), FLAIR_FROM_WORKING, folder / "region_probabilities.nii.gz")
    write_facts(folder)
    mask = (lesion((10, 16)) + lesion((27, 33)) + lesion((27, 33), z=(2, 7))).astype(np.uint8)
    write_image(flair_grid().image(mask), tmp_path / "on_flair.nii.gz")
    write_image(GRID.image(mask), tmp_path / "on_t1.nii.gz")
    return folder


@pytest.fixture
def found_anew(monkeypatch):
    """What is found by the exam's images, as often as somebody looks."""
    looked = []
    monkeypatch.setattr(regions_job, "map_regions", lambda *given: looked.append(given) or box_brain())
    return looked


def run(result, mask="on_flair.nii.gz"):
    """Exit code, places of the three lesions, and regions.json."""
    out = result.parent / "out"
    given = ["regions", "--mask", result.parent / mask, "--exam", result, "--out", out]
    assert run_command([str(each) for each in given]) == 0
    with (out / "lesions.csv").open(newline="") as file:
        places = sorted(row["region"] for row in csv.DictReader(file))
    return places, json.loads((out / "regions.json").read_text())


@pytest.mark.parametrize("mask", ["on_flair.nii.gz", "on_t1.nii.gz"])
def test_the_regions_that_a_result_keeps_are_read_and_nothing_is_looked_for(result, mask, capsys, found_anew):
    places, facts = run(result, mask)
    assert places == PLACES
    assert found_anew == []
    assert (facts["region_map"], facts["regions"], facts["warnings"]) == ("kept", "boxes", [])
    assert "the regions are those that this result keeps" in capsys.readouterr().err


def test_volumes_of_the_brain_are_those_that_the_run_measured(result, found_anew):
    _places, facts = run(result)
    # In the file probabilities are rounded.
    assert {name: facts["volume_ml"][name] for name in ("brain_mask", "tissue", "ventricles")} == {
        "brain_mask": 70.0,
        "tissue": 61.0,
        "ventricles": 8.0,
    }
    assert facts["volume_ml"]["lesions"] == pytest.approx(6 * 5 * 5 * 3 / 1000)
    assert facts["fractions"]["lesions_of_tissue"] == pytest.approx(0.45 / 61, abs=1e-5)


@pytest.mark.parametrize("damage", ["cut", "another visit's", "gone", "elsewhere"])
def test_damaged_regions_are_found_anew_and_both_log_and_facts_say_so(result, damage, capsys, found_anew):
    path = result / "region_probabilities.nii.gz"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "gone":
        path.unlink()
    else:
        write_region_maps(box_brain(), sitk.Euler3DTransform(), path)
    if damage == "elsewhere":
        write_facts(result)
    places, facts = run(result)
    assert places == PLACES
    assert len(found_anew) == 1
    assert facts["region_map"] == "found"
    (warning,) = facts["warnings"]
    assert warning.startswith("the regions were found anew: region_probabilities.nii.gz ")
    assert "the regions of result are found anew: region_probabilities.nii.gz " in capsys.readouterr().err
    assert facts["volume_ml"]["brain_mask"] == pytest.approx(72.0)


@pytest.mark.parametrize("older", [{"region_probabilities_sha256": None}, {"regions": None}])
def test_a_result_that_keeps_none_is_no_cause_for_warning(result, older, capsys, found_anew):
    write_facts(result, **older)
    places, facts = run(result)
    assert (places, facts["region_map"], facts["warnings"]) == (PLACES, "found", [])
    assert "warning" not in capsys.readouterr().err


def test_a_segmentation_of_the_users_own_goes_before_what_the_result_keeps(result):
    write_image(box_brain().labels(), result.parent / "own.nii.gz")
    numbers = {"cerebral_white": [1], "cortex": [2], "deep_gray": [3], "infratentorial": [5], "lateral_ventricle": [6]}
    (result.parent / "numbers.json").write_text(json.dumps(numbers))
    own = ["--regions", result.parent / "own.nii.gz", "--scheme", "custom"]
    given = ["--mask", result.parent / "on_t1.nii.gz", "--exam", result, "--out", result.parent / "out", *own]
    more = ["--region-numbers", result.parent / "numbers.json"]
    assert run_command(["regions", *map(str, given), *map(str, more)]) == 0
    assert json.loads((result.parent / "out" / "regions.json").read_text())["region_map"] == "given"
