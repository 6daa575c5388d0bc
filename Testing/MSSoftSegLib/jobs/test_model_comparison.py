"""``compare-models`` with made models whose order is known: the worse one is found worse, and is not promotable."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.evaluation.overlap import dice
from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.image_file import read_image
from MSSoftSegLib.inference.device import choose_device
from MSSoftSegLib.jobs.evaluate.model_comparison import ScoredCase, compare_scores
from MSSoftSegLib.jobs.evaluate.model_scoring import MEASURES, load_model, score_case
from MSSoftSegLib.jobs.run import parse_job, run
from MSSoftSegLib.network.architecture import FINE_CHANNELS
from MSSoftSegLib.network.bundle import read_bundle
from MSSoftSegLib.network.catalog import find_default_model
from MSSoftSegLib.network.promotion import Promotion, find_judgment, keep_promotion, read_clock
from MSSoftSegLib.preprocessing.normalization import normalize
from MSSoftSegLib.training.adaptation.base_patients import base_patients
from Testing.MSSoftSegLib.jobs.adapted import few_cases, listed
from Testing.MSSoftSegLib.network.bundles import write_random_bundle


def made_model(folder: Path, level: float) -> Path:
    """A model that calls lesion what is brighter than ``level`` on the normalised FLAIR, voxel by voxel."""

    def prepare(network) -> None:
        for parameter in network.parameters():
            torch.nn.init.zeros_(parameter)
        with torch.no_grad():
            network.head.weight[0, FINE_CHANNELS, 1, 1, 1] = 8.0
            network.head.bias[0] = -8.0 * level

    write_random_bundle(folder, prepare=prepare)
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"spacing_mm": 3.0}))
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a library of two cases, a good model and a bad one."""
    folder = tmp_path_factory.mktemp("comparison")
    listed(few_cases(2), folder)
    made_model(folder / "good", 2.0)
    made_model(folder / "bad", 0.8)
    return folder


@pytest.fixture
def models(tmp_path, monkeypatch):
    """The user's models, of which ``good`` is the default."""
    folder = tmp_path / "models"
    monkeypatch.setenv("MSSOFTSEG_MODELS", str(folder))
    return folder


def compare(place: Path, out: Path, first: str, second: str, **more) -> dict:
    spec = {"library": place / "cases.json", "first": place / first, "second": place / second, "out": out}
    document = {key: str(value) for key, value in spec.items()} | {"base_patients": 1, "base_spacing_mm": 3.0} | more
    events: list[dict] = []
    outcome = run(parse_job({"job": "1", "kind": "compare-models", "spec": document}), events.append)
    assert outcome.exit_code == 0, events[-1]
    return events[-1]["summary"]


def test_a_made_model_that_is_worse_is_found_worse_and_not_promoted(place, models, tmp_path, capsys):
    make_default(models, place / "good")
    found = compare(place, tmp_path / "out", "good", "bad")
    assert found["verdict"] == "worse"
    assert found["measures"]["dsc"]["difference"] < -0.1
    kept = find_judgment(models, first_sha256=found["first"]["sha256"], second_sha256=read_bundle(place / "bad").sha256)
    assert kept is not None
    assert kept.verdict == "worse"
    assert run_command(["models", "promote", str(place / "bad")]) == 2
    assert "found worse than good" in capsys.readouterr().err
    assert find_default_model() == "good"


def make_default(models: Path, bundle: Path) -> None:
    """As if it had been promoted."""
    assert run_command(["models", "import", str(bundle)]) == 0
    facts = {"model": bundle.name, "sha256": read_bundle(bundle).sha256, "version": "0", "decision": "default"}
    rest = {"verdict": None, "reason": "", "accepted_worse": True, "previous": "starter"}
    keep_promotion(models, Promotion(time=read_clock(), **facts, **rest))
    assert find_default_model() == bundle.name


def test_a_comparison_is_in_its_place_only_with_its_verdict_kept(place, models, tmp_path):
    """Otherwise a run that is killed in between would leave a result that promote does not know of."""
    models.write_text("a file where the folder of models should be")
    spec = {"library": place / "cases.json", "first": place / "good", "second": place / "bad", "out": tmp_path / "out"}
    document = {key: str(value) for key, value in spec.items()} | {"base_patients": 0, "cases": ["d0"]}
    outcome = run(parse_job({"job": "1", "kind": "compare-models", "spec": document}), lambda event: None)
    assert outcome.exit_code != 0
    assert not (tmp_path / "out").exists()


def test_the_other_way_round_two_patients_are_too_few_to_call_it_better(place, models, tmp_path):
    found = compare(place, tmp_path / "out", "bad", "good")
    assert found["verdict"] == "undecided"
    assert "2 patients cannot tell" in found["reason"]


def test_what_was_forgotten_of_the_base_patients_is_part_of_the_verdict(place, models, tmp_path):
    found = compare(place, tmp_path / "out", "good", "bad", cases=["d0"])
    assert found["cases"] == 1
    assert found["base"]["measures"]["dsc"]["n"] == 1
    assert "on the base patients" in found["reason"]


def test_the_files_say_case_by_case_what_the_summary_says(place, models, tmp_path):
    found = compare(place, tmp_path / "out", "good", "bad")
    document = json.loads((tmp_path / "out" / "model_comparison.json").read_text())
    assert document["per_case"] == found["per_case"]
    with (tmp_path / "out" / "model_comparison.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["set"], row["case"]) for row in rows][:2] == [("held-out", "d0"), ("held-out", "d1")]
    mean = np.mean([float(row["second_dsc"]) for row in rows[:2]])
    assert found["measures"]["dsc"]["second"] == pytest.approx(mean)


def test_the_score_is_what_thresholding_the_normalized_flair_by_hand_gives(place):
    (case,) = few_cases(1)
    model = load_model(read_bundle(place / "good"))
    score = score_case(case, model, choose_device("cpu"), tta="none")
    flair = read_image(case.images["flair"])
    brain = flair != 0
    bright = voxels(normalize(flair, brain, "median-iqr")) >= 2.0
    truth = voxels(read_image(case.raters["truth"])) != 0
    by_hand = dice(bright & (voxels(brain) != 0), truth)
    assert by_hand is not None
    # The model's smallest lesion, 3 mm³, is less than a voxel of 27 mm³.
    assert score["dsc"] == pytest.approx(by_hand, abs=0.02)


def test_a_measure_that_one_model_does_not_have_is_left_out_of_its_n():
    defined = dict.fromkeys(MEASURES, 0.5)
    pairs = [
        ScoredCase("a", "a", defined, defined | {"dsc": 0.6}),
        ScoredCase("b", "b", defined | {"dsc": None}, defined),
    ]
    found = compare_scores(pairs)
    assert found["dsc"].n == 1
    assert found["dsc"].difference.mean == pytest.approx(0.1)
    assert found["lesion_f1"].n == 2


def test_a_case_that_is_not_there_is_named(place, tmp_path, capsys):
    command = ["evaluate", "--compare", str(place / "good"), str(place / "bad"), "--library", str(place / "cases.json")]
    assert run_command([*command, "--on-case", "d9", "--out", str(tmp_path / "o")]) == 2
    assert "has no case d9" in capsys.readouterr().err
    assert run_command(command[:4]) == 2
    assert "good is a model" in capsys.readouterr().err
    assert run_command(["evaluate", "--on-case", "d0"]) == 2
    assert "give --library" in capsys.readouterr().err


def test_base_patients_are_the_same_every_time_and_of_two_kinds(monkeypatch, tmp_path):
    first = base_patients("validation", 1, spacing_mm=3.0)[0]
    before = voxels(read_image(first.images["flair"])).copy()
    monkeypatch.setenv("MSSOFTSEG_CACHE", str(tmp_path))
    again = base_patients("validation", 1, spacing_mm=3.0)[0]
    assert again.images["flair"] != first.images["flair"]
    assert np.array_equal(voxels(read_image(again.images["flair"])), before)
    assert base_patients("rehearsal", 1, spacing_mm=3.0)[0].case != first.case
