"""The main job on real exams with the model that ships: where the outputs lie, and how good they are."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.evaluation.overlap import dice
from Testing.real.data import DATA, needs_data

pytestmark = needs_data
OUTPUTS = ("lesion_probability", "lesion_entropy", "lesion_mask", "lesion_instances")


def read(path):
    return sitk.ReadImage(str(path))


def array(path):
    return sitk.GetArrayFromImage(read(path))


@pytest.fixture(scope="module")
def patient26(tmp_path_factory):
    out = tmp_path_factory.mktemp("patient26") / "out"
    exam = DATA / "mni" / "patient26"
    assert run_command(["segment", "--exam", str(exam), "--brain", "none", "--out", str(out), "--no-cache"]) == 0
    return out


def test_patient_26_who_was_trained_on_last_is_segmented_with_dsc_of_at_least_060(patient26):
    truth = array(DATA / "mni" / "patient26" / "lesion_consensus.nii.gz") > 0.5
    score = dice(array(patient26 / "lesion_mask.nii.gz"), truth)
    assert score >= 0.60
    mirrored = dice(array(patient26 / "lesion_mask.nii.gz")[:, :, ::-1], truth)
    assert mirrored < score / 2, "left and right are not confused"


def test_the_model_that_ships_says_whom_it_learned_from_and_that_these_figures_are_of_seen_exams():
    from MSSoftSegLib.network.catalog import SHIPPED_MODEL, find_bundle

    description = find_bundle(SHIPPED_MODEL).description
    for center in ("patient 26", "Tabriz", "Catania"):
        assert any(center in source for source in description.training["data"]), center
    seen = description.metrics["seen_in_training"]["exams"]
    assert all(0 < entry["dsc"] < 1 for entry in seen.values())


@pytest.mark.parametrize("name", ["patient12_study1", "patient03_study2"])
def test_a_raw_exam_comes_out_on_the_native_flair_grid_inside_the_brain(tmp_path, name):
    exam = DATA / "raw" / name
    out = tmp_path / "out"
    # The eight flips take most of the time and change nothing of what is asked here: once is enough.
    tta = "flips8" if name == "patient12_study1" else "none"
    assert run_command(["segment", "--exam", str(exam), "--brain", "atlas", "--tta", tta, "--out", str(out)]) == 0
    flair = read(exam / "FLAIR.nii.gz")
    for stem in OUTPUTS:
        image = read(out / f"{stem}.nii.gz")
        assert image.GetSize() == flair.GetSize()
        np.testing.assert_allclose(image.GetSpacing(), flair.GetSpacing(), atol=1e-4)
        np.testing.assert_allclose(image.GetOrigin(), flair.GetOrigin(), atol=1e-3)
        np.testing.assert_allclose(image.GetDirection(), flair.GetDirection(), atol=1e-5)
    probability, entropy = array(out / "lesion_probability.nii.gz"), array(out / "lesion_entropy.nii.gz")
    assert probability.min() >= 0
    assert 0.5 < probability.max() <= 1
    assert entropy.min() >= 0
    assert entropy.max() <= np.log(2)
    mask = array(out / "lesion_mask.nii.gz") > 0
    common = read(exam / "brainmask_common.nii.gz")
    flair_from_common = sitk.ReadTransform(str(exam / "FLAIR_to_common.txt"))
    brain = sitk.Resample(common, flair, flair_from_common.GetInverse(), sitk.sitkNearestNeighbor)
    inside = sitk.GetArrayFromImage(brain) > 0
    assert (mask & inside).sum() >= 0.9 * mask.sum()
    # Lesions are bright on FLAIR: their median lies well above the brain's.
    values = sitk.GetArrayFromImage(flair)
    assert np.median(values[mask]) > np.percentile(values[inside], 75)
    result = json.loads((out / "result.json").read_text())
    rows = list(csv.DictReader((out / "lesions.csv").open(encoding="utf-8")))
    assert len(rows) == result["lesions"]["count"]
    low, high = result["lesions"]["volume_interval_ml"]
    assert low <= result["lesions"]["volume_ml"] <= high


@pytest.mark.parametrize("name", ["patient03_study1", "patient20_study2"])
def test_an_exam_with_a_missing_modality_is_segmented_with_a_warning(tmp_path, name):
    out = tmp_path / "out"
    exam = DATA / "raw_partial" / name
    arguments = ["--exam", str(exam), "--brain", "atlas", "--tta", "none", "--out", str(out)]
    assert run_command(["segment", *arguments]) == 0
    warnings = json.loads((out / "result.json").read_text())["warnings"]
    missing = "T1" if name == "patient03_study1" else "T2"
    assert any(f"No {missing} image" in warning for warning in warnings)
