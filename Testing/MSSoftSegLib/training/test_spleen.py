"""Groza's spleen, from a Decathlon task to a judged model, through the commands: the reference image is a CT."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.evaluation.overlap import dice
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.reading import read_labeled_cases
from MSSoftSegLib.network.bundle import read_bundle
from MSSoftSegLib.training.data.prepared import prepare_cases
from MSSoftSegLib.training.data.stream import SampleStream
from MSSoftSegLib.training.engine.curves import VALIDATIONS_FILE, read_rows
from MSSoftSegLib.training.engine.validation import read_rater_masks
from MSSoftSegLib.training.recipe import find_recipe
from Testing.MSSoftSegLib.training.made_spleens import write_spleen_task

CASES = 8
SCALED_DOWN = """
[data]
spacing_mm = 3.0
validation = 0.25
[labels]
sigma_mm = 3.0
[network]
layers = [1, 1, 1, 1]
[sampling]
size = [64, 64]
batch = 4
[training]
steps_per_epoch = 30
phases = [
  { epochs = 2, optimizer = "adam", rate = 1e-3, schedule = "plateau" },
  { epochs = 1, optimizer = "sgd", rate = 1e-2, lowest_rate = 1e-4, schedule = "cyclic", cycle_steps = 10, momentum = 0.9 },
]
"""


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    return write_spleen_task(tmp_path_factory.mktemp("source") / "Task09_Spleen", CASES, seed=9)


@pytest.fixture(scope="module")
def library(task, tmp_path_factory):
    folder = tmp_path_factory.mktemp("library") / "spleens"
    assert run_command(["library", "init", str(folder)]) == 0
    asked = ["library", "import", str(folder), "--format", "msd", "--from", str(task), "--as-flair", "CT"]
    assert run_command(asked) == 0
    return folder


@pytest.fixture(scope="module")
def recipe_files(tmp_path_factory):
    """Both recipes at the same small size, by name."""
    folder = tmp_path_factory.mktemp("recipes")
    files = {}
    for base in ("groza2020-spleen", "groza2020-spleen-binary"):
        files[base] = folder / f"{base}.toml"
        files[base].write_text(f'extends = "{base}"\n{SCALED_DOWN}')
    return files


@pytest.fixture(scope="module")
def prepared(library, recipe_files, tmp_path_factory):
    """Every case as each recipe prepares it, by name of the recipe."""
    folder = tmp_path_factory.mktemp("prepared")
    cases = read_labeled_cases(library)
    return {name: prepare_cases(cases, find_recipe(str(file)), folder / name) for name, file in recipe_files.items()}


@pytest.fixture(scope="module")
def trained(library, recipe_files, tmp_path_factory):
    """The model that the command makes."""
    out = tmp_path_factory.mktemp("trained") / "model"
    asked = ["train", "--library", str(library), "--recipe", str(recipe_files["groza2020-spleen"]), "--out", str(out)]
    assert run_command([*asked, "--device", "cpu", "--precision", "32"]) == 0
    return out


def array(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def test_every_case_arrives_with_its_spleen_where_it_was_drawn(library, task):
    cases = read_labeled_cases(library)
    assert [case.case for case in cases] == [f"sub-spleen{number + 2}" for number in range(CASES)]
    for case in cases:
        name = f"spleen_{case.patient.removeprefix('spleen')}.nii.gz"
        np.testing.assert_array_equal(array(case.raters["msd"]), array(task / "labelsTr" / name))


def test_a_ct_becomes_a_window_of_the_body_and_nothing_around_it(library, task):
    for case in read_labeled_cases(library):
        stored = array(case.images[Modality.FLAIR])
        hu = array(task / "imagesTr" / f"spleen_{case.patient.removeprefix('spleen')}.nii.gz")
        assert not stored[:, [0, -1]].any()
        assert not stored[:, :, [0, -1]].any(), "the table ends at the sides of the image and is no body"
        inside = stored != 0
        assert 0.4 < inside.mean() < 0.7
        np.testing.assert_array_equal(stored[inside], np.clip(hu, -150, 250)[inside] + 151)
        drawn = array(case.raters["msd"]) == 1
        assert inside[drawn].all()
        gas = (hu < -600) & inside
        assert gas.sum() > 100, "lungs and the stomach's gas are within the body"
        assert set(np.unique(stored[gas])) == {1}


def test_the_smoothed_mask_is_soft_in_training_and_its_twins_is_not(prepared, recipe_files):
    soft_share = {}
    for name, file in recipe_files.items():
        stream = SampleStream(prepared[name], find_recipe(str(file)), seed=1)
        values = np.concatenate([np.asarray(stream[index].label).ravel() for index in range(24)])
        soft_share[name] = np.mean((values > 0.02) & (values < 0.98)) / np.mean(values > 0.5)
    assert soft_share["groza2020-spleen"] > 0.4, "a border of one voxel's SD is a good part of a small organ"
    assert soft_share["groza2020-spleen-binary"] == 0


def test_the_truth_that_judges_is_never_smoothed(prepared):
    for smoothed, plain in zip(*prepared.values(), strict=True):
        (truth,), (same) = read_rater_masks(smoothed), read_rater_masks(plain)[0]
        assert truth.dtype == bool
        np.testing.assert_array_equal(truth, same)
        # A smoothed border has its half where the drawn one was, so the volumes agree, and the values do not.
        assert 0.9 < smoothed.label().sum() / truth.sum() < 1.1
        assert np.abs(smoothed.label() - truth).max() > 0.3


def test_a_network_finds_the_spleen_of_bodies_that_it_has_not_seen(trained, prepared):
    # What brightness alone can do: liver, kidneys and aorta are as bright.
    by_brightness = [
        np.mean([dice(case.images()[0] > level, read_rater_masks(case)[0]) for case in prepared["groza2020-spleen"]])
        for level in np.linspace(-1, 3, 41)
    ]
    assert max(by_brightness) < 0.45
    dsc = [float(row["val_dice"]) for row in read_rows(trained / "curves" / VALIDATIONS_FILE)]
    assert len(dsc) == 3
    assert max(dsc) > 0.6
    description = read_bundle(trained).description
    assert description.metrics["best_validation_dsc"] == pytest.approx([max(dsc)], abs=1e-3)
    assert [entry.modality for entry in description.inputs] == [Modality.FLAIR]
    assert description.spacing_mm == 3.0


def test_the_model_segments_a_ct_of_tomorrow_on_its_own_grid(trained, tmp_path):
    task = write_spleen_task(tmp_path / "Task09_Spleen", 1, seed=10)
    library, out = tmp_path / "tomorrow", tmp_path / "result"
    assert run_command(["library", "init", str(library)]) == 0
    asked = ["library", "import", str(library), "--format", "msd", "--from", str(task), "--as-flair", "CT"]
    assert run_command(asked) == 0
    (case,) = read_labeled_cases(library)
    asked = ["segment", "--flair", str(case.images[Modality.FLAIR]), "--preprocessed", "--model", str(trained)]
    assert run_command([*asked, "--device", "cpu", "--out", str(out)]) == 0
    found, drawn = (
        sitk.ReadImage(str(path)) for path in (out / "lesion_mask.nii.gz", task / "labelsTr/spleen_2.nii.gz")
    )
    assert found.GetDirection() == pytest.approx(drawn.GetDirection())
    assert dice(sitk.GetArrayFromImage(found) > 0, sitk.GetArrayFromImage(drawn) > 0) > 0.6
