"""Masks of another meaning that ``evaluate`` is given: the numbers come with a word about them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from Testing.MSSoftSegLib.cli.evaluate_files import evaluate, work_in, write, write_table
from Testing.MSSoftSegLib.evaluation.made_up_cases import made_up_case


@pytest.fixture
def place(tmp_path, monkeypatch):
    return work_in(tmp_path, monkeypatch)


def warnings_about(place, truth, prediction, brain=None, out="out"):
    files = ["--truth", write(place / "truth.nii.gz", truth), "--prediction", write(place / "p.nii.gz", prediction)]
    files += [] if brain is None else ["--brain", write(place / "brain.nii.gz", brain)]
    assert evaluate(place, *files, out=out) == 0
    return json.loads((place / out / "metrics.json").read_text())["warnings"]


def test_an_inverted_prediction_is_told_as_an_inverted_truth_is(place):
    mask = made_up_case(1).truth.astype(np.uint8)
    assert any("of the prediction: is that mask inverted?" in each for each in warnings_about(place, mask, 1 - mask))


def test_a_mask_inverted_within_the_brain_is_told(place):
    case = made_up_case(1)
    mask, brain = case.truth.astype(np.uint8), case.brain.astype(np.uint8)
    said = warnings_about(place, (1 - mask) * brain, mask, brain)
    assert any("of the brain are lesion of rater 1" in each for each in said)
    assert not any("of the prediction" in each for each in said)


def test_a_truth_that_never_reaches_one_half_is_told(place):
    mask = made_up_case(1).truth.astype(np.uint8)
    said = warnings_about(place, (mask / 255).astype(np.float32), mask)
    assert any("rater 1 is nowhere above 0.0039" in each for each in said)


def test_a_brain_mask_of_the_field_of_view_is_told(place):
    mask = made_up_case(1).truth.astype(np.uint8)
    assert any("field of view" in each for each in warnings_about(place, mask, mask, np.ones_like(mask)))


def test_a_prediction_that_is_the_truth_is_told(place):
    mask = made_up_case(1).truth.astype(np.uint8)
    assert any("voxel by voxel" in each for each in warnings_about(place, mask, mask))
    assert not any("voxel by voxel" in each for each in warnings_about(place, mask, np.roll(mask, 1, 2), out="other"))


def test_a_probability_that_speaks_against_the_prediction_is_told(place):
    case = made_up_case(1)
    files = ["--truth", write(place / "t.nii.gz", case.truth.astype(np.uint8))]
    files += ["--prediction", write(place / "p.nii.gz", case.prediction.astype(np.uint8))]
    for name, probability in (("right", case.probability), ("turned", 1 - case.probability)):
        path = write(place / f"{name}.nii.gz", probability)
        assert evaluate(place, *files, "--probability", path, out=name) == 0
        warnings = json.loads((place / name / "metrics.json").read_text())["warnings"]
        assert any("inverted, or another case's" in each for each in warnings) == (name == "turned")


def test_one_case_under_two_names_is_told(place):
    table = write_table(place, seeds=(1, 2), columns="case,truth,prediction")
    table.write_text(table.read_text() + table.read_text().splitlines()[1].replace("visit1", "visit9") + "\n")
    assert evaluate(place, "--table", table) == 0
    warnings = json.loads((place / "out" / "metrics.json").read_text())["warnings"]
    assert "the cases visit1 and visit9 have the same truth and the same prediction" in warnings
