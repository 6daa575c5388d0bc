"""Adapting a model to one case and to three, end to end and small: what learns, what is kept, what is said and what judges."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.jobs.documents.train import TrainSpec
from MSSoftSegLib.jobs.preflight.request_checks import check_model
from MSSoftSegLib.jobs.run import parse_job, run
from MSSoftSegLib.network.bundle import read_bundle
from MSSoftSegLib.network.weights import load_networks
from MSSoftSegLib.training.adaptation.cross_fit import CrossFit
from MSSoftSegLib.training.adaptation.policy import count_labeled_patients, size_for
from MSSoftSegLib.training.engine.operating_point import MeasuredPoint
from MSSoftSegLib.training.recipe import AdaptationSize, find_recipe
from MSSoftSegLib.training.run_folder import PICTURE_FILE, name_run_folder, read_members
from Testing.MSSoftSegLib.jobs.adapted import few_cases, listed, small_model, small_recipe


def adapt(folder, cases: int, *more: str) -> tuple[int, list[dict]]:
    """Adapt by the job; exit code and events."""
    spec = {
        "library": str(listed(few_cases(cases), folder)),
        "recipe": str(small_recipe(folder)),
        "out": str(folder / "adapted"),
        "init": str(folder / "start"),
        "device": "cpu",
        "precision": "32",
    }
    events: list[dict] = []
    outcome = run(parse_job({"job": "1", "kind": "train", "spec": spec}), events.append, debug=True)
    return outcome.exit_code, events


def give_points(model, points: list[dict]) -> None:
    """The model has operating points of acquisitions."""
    document = json.loads((model / "model.json").read_text())
    (model / "model.json").write_text(json.dumps(document | {"acquisitions": points}))


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """A model adapted to one case, with the events of its training."""
    folder = tmp_path_factory.mktemp("one")
    small_model(folder / "start")
    code, events = adapt(folder, 1)
    assert code == 0, events[-1]
    return folder, events


def test_with_one_case_the_encoder_stays_and_the_rest_learns(one):
    folder, _ = one
    (before,), (after,) = (load_networks(read_bundle(folder / name)) for name in ("start", "adapted"))
    theirs = after.state_dict()
    changed = {name for name, tensor in before.state_dict().items() if not torch.equal(tensor, theirs[name])}
    assert changed
    assert not [name for name in changed if name.startswith("encoder.")]


def test_with_one_case_the_operating_point_is_kept_and_the_bundle_says_so(one):
    folder, _ = one
    bundle = read_bundle(folder / "adapted")
    description = bundle.description
    assert (description.threshold, description.min_lesion_mm3, description.calibration.temperature) == (0.37, 41.0, 1.3)
    assert description.window is None, "the recipe's window is not that of the model that is adapted"
    facts = description.training["adaptation"]
    assert "are those of start" in facts["operating_point"]
    assert "nobody was held out" in facts["operating_point"]
    assert facts["size"]["frozen"] == ["encoder"]
    assert facts["base"]["patients"] == 1
    assert "are those of start" in bundle.card
    assert description.training["training_cases"] == 1, "rehearsed patients are not the department's"


def test_what_the_panel_shows_is_there(one):
    folder, events = one
    run_of_it = name_run_folder(folder / "adapted")
    (member,) = read_members(run_of_it)
    assert (member.training, member.held_out) == (("d0",), ())
    with Image.open(run_of_it / member.name / PICTURE_FILE) as picture:
        assert min(picture.size) > 200
    steps = [event["step"] for event in events if event.get("name") == "base_dice"]
    assert steps == [0, 4, 8], "what was forgotten is watched from before the first step on"
    assert events[-1]["summary"]["held_out"] == []


def test_the_case_that_it_learned_from_does_not_judge_it(one, tmp_path, capsys, monkeypatch):
    folder, _ = one
    monkeypatch.setenv("MSSOFTSEG_MODELS", str(tmp_path / "models"))
    out = tmp_path / "judged"
    names = [str(folder / name) for name in ("start", "adapted")]
    library = listed(few_cases(2), tmp_path)
    command = ["evaluate", "--compare", *names, "--library", str(library), "--base-patients", "0", "--out", str(out)]
    assert run_command(command) == 0
    found = json.loads((out / "model_comparison.json").read_text())
    assert found["left_out"] == [{"case": "d0", "reason": "the new model learned from it"}]
    assert [pair["case"] for pair in found["per_case"]] == ["d1"]
    assert found["verdict"] != "better", "one patient is no proof"
    assert found["verdict"] in capsys.readouterr().out


def test_three_cases_are_two_to_learn_from_and_one_that_judges(tmp_path, monkeypatch):
    monkeypatch.setenv("MSSOFTSEG_MODELS", str(tmp_path / "models"))
    small_model(tmp_path / "start")
    code, events = adapt(tmp_path, 3)
    assert code == 0
    (member,) = read_members(name_run_folder(tmp_path / "adapted"))
    assert len(member.training) == 2
    assert list(member.held_out) == events[-1]["summary"]["held_out"]
    spec = {
        "library": str(tmp_path / "cases.json"),
        "first": str(tmp_path / "start"),
        "second": str(tmp_path / "adapted"),
        "run": str(name_run_folder(tmp_path / "adapted")),
        "out": str(tmp_path / "judged"),
        "base_patients": 1,
        "base_spacing_mm": 3.0,
    }
    events.clear()
    assert run(parse_job({"job": "2", "kind": "compare-models", "spec": spec}), events.append).exit_code == 0
    assert [pair["case"] for pair in events[-1]["summary"]["per_case"]] == list(member.held_out)
    assert events[-1]["summary"]["base"]["patients"] == 1


def test_from_four_cases_on_the_point_is_chosen_on_patients_that_the_choosing_models_did_not_see(tmp_path, monkeypatch):
    monkeypatch.setenv("MSSOFTSEG_MODELS", str(tmp_path / "models"))
    # However little it gains.
    monkeypatch.setattr("MSSoftSegLib.training.adaptation.cross_fit.TOLERATED_FALL", {"dsc": -1.0})
    start = small_model(tmp_path / "start")
    values = {"threshold": 0.61, "min_lesion_mm3": 5.0, "temperature": 1.0, "chosen_on": "nobody"}
    give_points(start, [values | {"slices_mm_from": 0.0}, values | {"slices_mm_from": 4.0}])
    code, events = adapt(tmp_path, 4)
    assert code == 0, events[-1]
    run_of_it = name_run_folder(tmp_path / "adapted")
    (member,) = read_members(run_of_it)
    assert sorted(member.training) == ["d0", "d1", "d2", "d3"], "the model learns from all of them"
    choosing = sorted((run_of_it / "cross-fit").glob("fold-*"))
    assert [folder.name for folder in choosing] == ["fold-0-model-0", "fold-1-model-0"]
    weights = {folder: (folder / "best.safetensors").read_bytes() for folder in (*choosing, run_of_it / member.name)}
    assert len(set(weights.values())) == 3
    description = read_bundle(tmp_path / "adapted").description
    told = "chosen on 4 patients, each predicted by a model that had not learned from her"
    assert told in description.training["adaptation"]["operating_point"]
    thin, thick = description.acquisitions
    assert told in thin.chosen_on, "the cases have slices of 3 mm"
    assert (thick.threshold, thick.chosen_on) == (0.61, "nobody"), "nobody showed slices of 4 mm"
    assert events[-1]["summary"]["members"] == 1, "the choosing models are not part of the bundle"
    spec = {
        "library": str(tmp_path / "cases.json"),
        "first": str(tmp_path / "start"),
        "second": str(tmp_path / "adapted"),
        "run": str(run_of_it),
        "out": str(tmp_path / "judged"),
        "base_patients": 0,
    }
    events.clear()
    assert run(parse_job({"job": "2", "kind": "compare-models", "spec": spec}), events.append).exit_code == 0
    judged = [pair["case"] for pair in events[-1]["summary"]["per_case"]]
    assert judged == ["d0", "d1", "d2", "d3"], "each by a network that did not learn from her"


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_point_changes_only_for_more_than_seeds_differ_by(kept, chosen):
    old, best = MeasuredPoint(1.0, 0.5, 3.0, kept, 5), MeasuredPoint(1.4, 0.4, 9.0, chosen, 5)
    found = CrossFit(5, (0.4, 0.6), old, (kept, 0.6), best, (chosen, 0.7))
    assert found.is_kept == (chosen - kept <= 0.01)
    assert found.point is (old if found.is_kept else best)
    assert ("that of the model that was adapted" in found.words) == found.is_kept
    assert f"and {kept if found.is_kept else chosen:.2f} after adaptation" in found.words


def test_where_choosing_pays_too_little_the_old_points_stay_all_of_them(tmp_path, monkeypatch):
    """Also those for other acquisitions, which a newly chosen point replaces."""
    start = small_model(tmp_path / "start")
    thick = {"slices_mm_from": 4.0, "threshold": 0.61, "min_lesion_mm3": 5.0, "temperature": 1.0, "chosen_on": "nobody"}
    give_points(start, [thick])
    monkeypatch.setattr("MSSoftSegLib.training.adaptation.cross_fit.TOLERATED_FALL", {"dsc": 1.0})
    code, events = adapt(tmp_path, 4)
    assert code == 0, events[-1]
    description = read_bundle(tmp_path / "adapted").description
    assert (description.threshold, description.min_lesion_mm3, description.calibration.temperature) == (0.37, 41.0, 1.3)
    assert [entry.threshold for entry in description.acquisitions] == [0.61]
    assert (
        "another would gain no more than 1 DSC on 4 patients" in description.training["adaptation"]["operating_point"]
    )


def test_a_size_that_cross_fits_holds_nobody_out():
    with pytest.raises(ValueError, match="2 folds or more and validation 0"):
        AdaptationSize(rate=1e-3, epochs=1, cross_fit=2, validation=0.2)
    with pytest.raises(ValueError, match="2 folds or more"):
        AdaptationSize(rate=1e-3, epochs=1, cross_fit=1, validation=0.0)


def test_a_recipe_that_adapts_needs_something_to_adapt(tmp_path, capsys):
    library = listed(few_cases(1), tmp_path)
    command = ["train", "--library", str(library), "--recipe", "mssoftseg-adapt", "--out", str(tmp_path / "m")]
    assert run_command(command) == 2
    assert "name it with --init" in capsys.readouterr().err


def test_a_model_that_looks_at_other_images_is_not_adapted(tmp_path, capsys):
    library, recipe = listed(few_cases(1), tmp_path), small_recipe(tmp_path)
    start = small_model(tmp_path / "start")
    path = start / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"spacing_mm": 1.0}))
    command = ["train", "--library", str(library), "--recipe", str(recipe), "--out", str(tmp_path / "m")]
    assert run_command([*command, "--init", str(start)]) == 2
    refused = capsys.readouterr().err
    assert "looks at other images" in refused
    spec = TrainSpec(library=library, recipe=str(recipe), out=tmp_path / "m", init=str(start))
    (told,) = check_model(spec, find_recipe(spec.recipe))
    assert told.severity == "error", "what a training refuses is no mere warning before it"
    assert told.message in refused


def test_the_shipped_policy_grows_with_the_number_of_patients():
    settings = find_recipe("mssoftseg-adapt").adaptation
    assert settings is not None
    one, three, eight, many = (size_for(settings, count) for count in (1, 3, 8, 40))
    assert one.frozen == ("input_block", "downsamples", "bottleneck")
    assert one.validation == 0
    assert three.frozen == ()
    assert (three.cross_fit, eight.cross_fit, many.cross_fit) == (0, 2, 2)
    assert many.epochs > eight.epochs >= three.epochs > one.epochs
    assert min(size.rehearsal for size in settings.sizes) > 0
    assert count_labeled_patients(few_cases(2)) == 2
