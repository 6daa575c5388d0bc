"""The study at its smallest: digital patients are made, recipes trained and measured, tables written; and it can be resumed."""

from __future__ import annotations

import csv
import json

import pytest

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.train.study import FIGURE, TABLE
from MSSoftSegLib.library.check import check_library
from MSSoftSegLib.library.creation import create_library
from MSSoftSegLib.library.reading import list_case_ids
from MSSoftSegLib.study.arms import ARMS
from MSSoftSegLib.study.cohort import split, write_digital_library
from MSSoftSegLib.study.plan import read_plan
from MSSoftSegLib.study.running import plan_trials
from MSSoftSegLib.study.size import FULL, PAIRED, SMOKE, WORKSTATION
from MSSoftSegLib.study.trial import name_result_file


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "smoke"
    assert run_command(["study", "--smoke", "--side-by-side", "2", "--out", str(folder)]) == 0
    return folder


def test_every_arm_is_trained_and_measured_on_patients_that_it_did_not_see(study):
    plan = read_plan(study, None)
    trials = plan_trials(plan)
    assert {trial.arm for trial in trials} == set(SMOKE.arms)
    for trial in trials:
        document = json.loads(name_result_file(study, trial).read_text())
        assert {case["patient"] for case in document["cases"]} == plan.folds[trial.fold]
        assert document["training_cases"] == SMOKE.patients - len(plan.folds[trial.fold])
        assert all(set(case["raters"]) == {"rater1", "rater2"} for case in document["cases"])


def test_the_table_the_figure_and_the_cases_are_there(study):
    text = (study / TABLE).read_text()
    assert all(f"| {arm} |" in text for arm in SMOKE.arms)
    assert "cannot be tested with this data" in text
    assert (study / FIGURE).read_bytes().startswith(b"\x89PNG")
    with (study / "study.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(SMOKE.arms) * SMOKE.patients // SMOKE.folds
    assert all(0 <= float(row["ece_brain"]) <= 1 for row in rows)


def test_its_patients_are_a_case_library_that_checks(study):
    assert check_library(study / "library") == []


def test_patients_whose_library_was_only_begun_are_made(tmp_path):
    create_library(tmp_path / "library")
    (tmp_path / "library" / "dataset_description.json").unlink()
    write_digital_library(tmp_path / "library", patients=1, unlabeled=0, spacing_mm=3.0, progress=lambda fraction: None)
    assert check_library(tmp_path / "library") == []
    assert len(list_case_ids(tmp_path / "library")) == 1


def test_prepared_images_are_gone_and_models_stay(study):
    assert not list((study / "prepared").glob("*"))
    assert len(list((study / "models").iterdir())) == len(SMOKE.arms)


def test_a_finished_study_is_not_run_again_but_its_lost_trials_are(study, capsys):
    assert run_command(["study", "--smoke", "--out", str(study)]) == 2
    assert "--resume" in capsys.readouterr().err
    plan = read_plan(study, None)
    trials = {trial.arm: name_result_file(study, trial) for trial in plan_trials(plan)}
    before = json.loads(trials["kats2019"].read_text())
    untouched = trials["mssoftseg"].stat().st_mtime_ns
    trials["kats2019"].unlink()
    assert run_command(["study", "--smoke", "--resume", "--out", str(study)]) == 0
    assert json.loads(trials["kats2019"].read_text())["cases"] == before["cases"], "measured anew from the kept model"
    assert trials["mssoftseg"].stat().st_mtime_ns == untouched


def test_a_study_is_not_resumed_with_other_patients_or_another_size(study, tmp_path, capsys):
    assert run_command(["study", "--smoke", "--resume", "--library", str(tmp_path), "--out", str(study)]) == 2
    assert "other patients" in capsys.readouterr().err
    assert run_command(["study", "--size", "full", "--resume", "--out", str(study)]) == 2
    assert "--size smoke" in capsys.readouterr().err


def test_folds_are_disjoint_and_alike_in_load():
    loads = {f"p{number}": float(number) for number in range(12)}
    folds = split(loads, 3)
    assert sorted(patient for fold in folds for patient in fold) == sorted(loads)
    totals = [sum(loads[patient] for patient in fold) for fold in folds]
    assert max(totals) - min(totals) <= 2


@pytest.mark.parametrize("arm", sorted(ARMS))
def test_scaling_down_changes_sizes_and_rates_and_nothing_that_the_recipe_is_about(arm):
    recipe = ARMS[arm].resolved()
    scaled = WORKSTATION.scaled(recipe)
    for part in ("labels", "loss", "activation", "augmentation", "postprocessing", "pseudo_labels"):
        assert getattr(scaled, part) == getattr(recipe, part), part
    assert scaled.network.kind == recipe.network.kind
    assert scaled.network != recipe.network
    assert FULL.scaled(recipe) == recipe


def test_teachers_come_before_their_students_and_every_claim_has_its_arms():
    plan = read_plan_of(FULL)
    order = [trial.arm for trial in plan_trials(plan)]
    for arm in FULL.arms:
        if ARMS[arm].teacher is not None:
            assert order.index(ARMS[arm].teacher) < order.index(arm)
    assert set(FULL.arms) == set(ARMS)


def test_one_repetition_is_done_before_the_next_begins():
    trials = plan_trials(read_plan_of(PAIRED))
    seeds = [trial.seed for trial in trials]
    assert seeds == sorted(seeds)
    assert {trial.arm for trial in trials[: len(trials) // PAIRED.seeds]} == set(PAIRED.arms)


@pytest.mark.parametrize("arm", PAIRED.arms)
def test_patients_who_lack_a_contrast_are_in_every_arm_of_the_paired_study(arm):
    """FLAIR alone is required, and nothing else of the recipe's data is other than at the workstation's size."""
    published = ARMS[arm].resolved()
    data = PAIRED.scaled(published).data
    assert [entry.modality for entry in data.inputs if entry.required] == [Modality.FLAIR]
    assert [entry.modality for entry in data.inputs] == [entry.modality for entry in published.data.inputs]
    others = WORKSTATION.scaled(published).data
    assert data.model_copy(update={"inputs": others.inputs}) == others


def read_plan_of(size):
    from MSSoftSegLib.study.plan import StudyPlan

    return StudyPlan(size, None, tuple(frozenset({f"p{number}"}) for number in range(size.folds)))
