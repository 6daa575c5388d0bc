"""The preflight of a training: what it counts, what it warns of, and that its time is this machine's."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import SimpleITK as sitk

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.cli.preflight_display import describe_preflight
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.documents.train import TrainSpec
from MSSoftSegLib.jobs.preflight import file_checks, rate_probe
from MSSoftSegLib.jobs.preflight.case_checks import check_cases
from MSSoftSegLib.jobs.preflight.estimate import estimate_time
from MSSoftSegLib.jobs.preflight.mask_checks import check_masks, find_alike_patients
from MSSoftSegLib.jobs.preflight.needs import check_needs
from MSSoftSegLib.jobs.preflight.rates import KEPT, Rates, find_rates_file, recall, remember, signature, step_times
from MSSoftSegLib.jobs.preflight.report import plan_training
from MSSoftSegLib.jobs.preflight.split import Split
from MSSoftSegLib.jobs.run import parse_job, run
from MSSoftSegLib.library.creation import create_library
from MSSoftSegLib.library.datalist import write_datalist
from MSSoftSegLib.network.window import looks_per_voxel, window_overlap
from MSSoftSegLib.training.recipe import find_recipe
from Testing.MSSoftSegLib.jobs.detached_jobs import RECIPE
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.training.small_cases import write_small_cases


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("MSSOFTSEG_JOBS", str(tmp_path / "jobs"))
    monkeypatch.setenv("MSSOFTSEG_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """Ten cases of five patients with two visits each."""
    return write_small_cases(tmp_path_factory.mktemp("cases"), 10, seed=3, visits=2)


@pytest.fixture
def asked_for(tmp_path, cases):
    """The document of a training on these cases by the small recipe."""
    (tmp_path / "small.toml").write_text(RECIPE, encoding="utf-8")
    listed = write_datalist(cases, tmp_path / "cases.json")
    return {"library": listed, "recipe": str(tmp_path / "small.toml"), "out": tmp_path / "model", "device": "cpu"}


@pytest.fixture
def ask(asked_for):
    """The whole preflight as a job; changes replace fields of the document."""

    def asked(**changes):
        events = []
        job = parse_job({"job": "asked", "kind": "train-preflight", "spec": asked_for | changes})
        outcome = run(job, events.append)
        assert outcome.error is None, outcome.error
        return events[-1]["summary"]

    return asked


@pytest.fixture
def look(asked_for):
    """What is found without measuring anything, which would take some seconds."""

    def looked(**changes):
        return plan_training(TrainSpec.model_validate(asked_for | changes), lambda stage, fraction: None)

    return looked


def said(found, severity):
    """All messages of a severity, of a summary or a plan."""
    findings = found["findings"] if isinstance(found, dict) else map(dataclasses.asdict, found.findings)
    return " | ".join(each["message"] for each in findings if each["severity"] == severity)


def test_it_counts_what_the_training_will_do(ask):
    told = ask()
    counts = ("patients", "visits", "cases", "folds", "models")
    assert [told[name] for name in counts] == [5, 10, 10, None, 1]
    assert (told["training_patients"], told["validation_patients"]) == (4, 1)
    assert (told["training"], told["validation"]) == (8, 2)
    assert said(told, "error") == ""
    assert "few to train a model from random weights" in said(told, "warning")
    lines = "\n".join(describe_preflight(told))
    assert "5 patients, 10 visits, 10 cases" in lines
    assert "8 cases train, 2 of 1 other patient judge" in lines
    assert told["disk_free_mb"] > told["disk_needed_mb"] > 0
    assert told["memory_needed_mb"] > 0


def test_the_shell_says_what_is_wrong_and_ends_with_2(tmp_path, capsys):
    library = create_library(tmp_path / "library")
    asked = [
        "train",
        "--library",
        str(library),
        "--recipe",
        "mssoftseg",
        "--out",
        str(tmp_path / "model"),
        "--preflight",
    ]
    assert run_command(asked) == 2
    shown = capsys.readouterr()
    assert "time: not known" in shown.out
    assert "error: library holds no labelled case with the status approved" in shown.out
    assert shown.err.strip().splitlines()[-1].startswith("error: library holds no labelled case")
    assert not (tmp_path / "model.run").exists()


def test_folds_are_counted_by_patient(look):
    split = look(folds=5).split
    assert (split.models, split.training, split.validation) == (5, 8, 2)
    assert look(folds=5, fold=1).split.models == 1
    assert "5 patients with a rater's mask are too few for 6 folds" in said(look(folds=6), "error")
    assert "there is no fold 7 of 5" in said(look(folds=5, fold=7), "error")


def test_whole_brains_take_as_long_as_their_windows():
    recipe = find_recipe("mssoftseg-synthetic")
    assert recipe.window == (96, 112, 96)
    overlap = window_overlap(recipe.network.kind)
    assert looks_per_voxel((96, 112, 96), recipe.window, overlap) == 1
    assert looks_per_voxel((168, 196, 168), recipe.window, overlap) == pytest.approx(
        (2 * 96 / 168) ** 2 * 2 * 112 / 196
    )
    seen_whole = recipe.model_copy(update={"postprocessing": recipe.postprocessing.model_copy(update={"window": None})})
    assert looks_per_voxel((168, 196, 168), seen_whole.window, overlap) == 1
    keys = {signature(each, device="cpu", raw=False) for each in (recipe, seen_whole)}
    assert len(keys) == 2, "what was measured with windows says nothing of whole brains"


def test_an_estimate_from_tried_steps_gives_way_to_one_from_a_real_training(ask, tmp_path, monkeypatch):
    told = ask(epochs=4)
    assert "by steps tried on this machine" in told["estimate"]
    with monkeypatch.context() as nothing_is_tried_again:
        nothing_is_tried_again.setattr(rate_probe, "probe", None)
        assert ask(epochs=4)["estimated_s"] == told["estimated_s"]
    assert told["estimated_s"] > 0
    spec = {"library": tmp_path / "cases.json", "recipe": str(tmp_path / "small.toml"), "out": tmp_path / "model"}
    job = parse_job({"job": "t", "kind": "train", "spec": spec | {"epochs": 4, "device": "cpu"}})
    assert run(job, lambda event: None).error is None
    (entries,) = json.loads(find_rates_file().read_text()).values()
    again = ask(epochs=4, out=tmp_path / "other")
    assert "by 1 earlier training of this kind" in again["estimate"]
    assert again["estimated_s"] > 24 * entries[0]["step_s"], "four epochs of six steps and more"
    longer = ask(epochs=8, out=tmp_path / "other")
    assert longer["estimated_s"] - again["estimated_s"] >= 24 * entries[0]["step_s"]


def test_what_a_recipe_requires_and_cases_lack_is_an_error(ask, cases, tmp_path):
    lacking = dataclasses.replace(cases[0], images={m: p for m, p in cases[0].images.items() if m != Modality.T2})
    told = ask(library=write_datalist([lacking, *cases[1:]], tmp_path / "lacking.json"))
    assert f"requires T2, which is missing in {cases[0].case}" in said(told, "error")
    assert told["estimated_s"] is not None, "the rest is told all the same"


def test_one_rater_for_a_soft_union_and_voxels_of_two_sizes_are_warned_of(look, cases, tmp_path):
    alone = dataclasses.replace(cases[0], raters={"anna": cases[0].raters["anna"]})
    (thick,) = write_small_cases(tmp_path / "thick", 1, seed=8, spacing_mm=2.0)
    thick = dataclasses.replace(thick, case="thick", patient="thick")
    told = look(library=write_datalist([alone, thick, *cases[1:]], tmp_path / "mixed.json"))
    assert f"one rater only drew on {cases[0].case}: the soft-union" in said(told, "warning")
    assert "FLAIR voxels are of 2 sizes (1 × 1 × 1 mm: 10 cases; 2 × 2 × 2 mm: 1 case)" in said(told, "warning")


def test_one_image_under_two_names_is_an_error_whatever_its_file_is(look, cases, tmp_path):
    copy = tmp_path / "another.nii"
    sitk.WriteImage(sitk.ReadImage(str(cases[0].images[Modality.FLAIR])), str(copy))
    twin = dataclasses.replace(
        cases[1], case="twin", patient="somebody else", images={**cases[1].images, Modality.FLAIR: copy}
    )
    told = look(library=write_datalist([*cases, twin], tmp_path / "twins.json"))
    assert f"{cases[0].case} and twin are the same image under two names" in said(told, "error")


def test_a_library_is_checked_for_damage_and_says_whom_it_leaves_out(look, cases, tmp_path):
    library = create_library(tmp_path / "library")
    for number, case in enumerate(cases[::2]):
        status = "corrected" if number == 4 else "approved"
        add_case(
            library, patient=f"p{number}", images=case.images, raters=case.raters, status=status, preprocessed=True
        )
    told = look(library=library)
    assert (len(told.cases), said(told, "error")) == (4, "")
    assert "not trained on by their status: 1 corrected" in said(told, "note")
    damaged = next(Path(library).rglob("sub-p1*_desc-anna_dseg.nii.gz"))
    damaged.write_bytes(damaged.read_bytes()[:-3])
    assert f"{damaged.name} is damaged" in said(look(library=library), "error")
    told = look(library=library, statuses=["segmented"])
    assert "holds no labelled case with the status segmented" in said(told, "error")


def test_a_check_that_would_take_too_long_says_how_far_it_came(cases, tmp_path):
    library = create_library(tmp_path / "library")
    add_case(library, patient="p", images=cases[0].images, raters=cases[0].raters, status="approved", preprocessed=True)
    listed = [dataclasses.replace(cases[0], case="sub-p", patient="sub-p")]
    (found,) = file_checks.find_damage(library, listed, longest_s=-1.0)
    assert (found.severity, "0 cases of 1 were looked at for checksums" in found.message) == ("note", True)
    (found,) = file_checks.find_same_exams(cases, longest_s=-1.0)
    assert "0 cases of 10" in found.message


def test_outputs_models_and_devices_that_cannot_be_are_errors(look, tmp_path):
    out = tmp_path / "there"
    out.mkdir()
    (out / "thesis.docx").touch()
    assert "the output folder there is not empty" in said(look(out=out), "error")
    assert "cannot be the name of a model" in said(look(out=tmp_path / "my model"), "error")
    assert "has another network than the recipe small" in said(look(init="starter"), "error")
    assert "no model is called 'nobody'" in said(look(init="nobody"), "error")
    assert "names no device" in said(look(device="toaster"), "error")
    assert "no recipe is called 'nothing'" in said(look(recipe="nothing"), "error")
    (tmp_path / "begun.run").mkdir()
    (tmp_path / "begun.run" / "config.json").touch()
    assert "a training was begun in begun.run already" in said(look(out=tmp_path / "begun"), "error")
    assert said(look(out=tmp_path / "begun", resume=True), "error") == ""
    (tmp_path / "cut.run").mkdir()
    (tmp_path / "cut.run" / ".config.json.4242").touch()
    assert said(look(out=tmp_path / "cut", overwrite=True), "error") == "", "a kill's first file is no run to ask about"
    assert said(look(resume=True), "warning").startswith("there is nothing to resume in model.run")


def test_a_disk_and_a_memory_that_are_too_small_are_named_with_numbers():
    assert check_needs(10.0, 20.0, 10.0, "cpu") == []
    disk, memory = check_needs(30.0, 20.0, 1e9, "cpu")
    assert (disk.severity, disk.message) == (
        "error",
        "the disk of the output is too small: 30 MB are needed, 20 MB are free",
    )
    assert memory.severity == "warning"
    assert "needs about 1000000.0 GB of memory" in memory.message


def test_the_estimate_is_the_course_times_the_rates(cases):
    recipe = find_recipe("mssoftseg")  # 40 epochs of 100 steps, calibrated on held-out cases
    rates = Rates(
        step_s=2.0, validation_case_s=3.0, operating_case_s=5.0, preparing_case_s=7.0, start_s=11.0, other_s=13.0
    )
    split = Split(4, 1, 8, 2, models=1)
    by_hand = 11 + 10 * 7 + 13 + 4000 * 2 + 40 * 2 * 3 + (8 + 2) * 5
    assert estimate_time(cases, recipe, split, rates, "").seconds == by_hand
    many = estimate_time(cases, recipe, dataclasses.replace(split, models=3), rates, "").seconds
    assert many == 11 + 10 * 7 + 13 + 3 * (4000 * 2 + 40 * 2 * 3) + 2 * (8 + 2) * 5


def test_a_steps_time_is_read_off_the_curve_without_what_is_done_between_epochs():
    seconds = [5.0, 6.0, 7.0, 8.0, 19.0, 20.0, 21.0, 22.0]
    rows = [{"step": str(n), "epoch": str(n // 4), "seconds": str(s)} for n, s in enumerate(seconds)]
    assert step_times(rows) == (1.0, 10.0)
    resumed = [*rows, {"step": "8", "epoch": "2", "seconds": "3.0"}]
    assert step_times(resumed) == (1.0, 10.0), "a resumed training's clock begins anew"
    assert step_times(rows[:3]) is None


def test_rates_are_the_median_of_the_last_trainings_and_survive_damage():
    rates = Rates(1.0, 2.0, 3.0, None, 4.0)
    for step_s in (9.0, 9.0, 1.0, 2.0, 3.0, 4.0, 5.0):
        remember("key", dataclasses.replace(rates, step_s=step_s))
    found, trainings = recall("key")
    assert (found.step_s, found.preparing_case_s, trainings) == (3.0, None, KEPT)
    assert recall("another") is None
    find_rates_file().write_text("{torn")
    assert recall("key") is None
    remember("key", rates)
    assert recall("key") == (rates, 1)
    small, large = find_recipe("mssoftseg"), find_recipe("barilan-sl")
    keys = {
        signature(recipe, device=d, raw=r) for recipe in (small, large) for d in ("cpu", "cuda") for r in (True, False)
    }
    assert len(keys) == 8


# Masks that no rater draws


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda mask: mask * 0 + 1, "marks every voxel"),
        (lambda mask: mask * 2, "holds no value but 2"),
        (lambda mask: mask * 255, "the value 255"),
        (lambda mask: mask * 0, "no lesion at all is marked in 1 case of 1"),
    ],
)
def test_a_mask_that_no_rater_draws_is_told(tmp_path, cases, change, said):
    path = tmp_path / "mask.nii.gz"
    sitk.WriteImage(change(sitk.ReadImage(str(cases[0].raters["anna"]))), str(path))
    case = dataclasses.replace(cases[0], raters={"anna": path})
    (finding,) = check_masks([case])
    assert said in finding.message
    assert "lesion" in finding.message or finding.severity == "error"


def test_patients_who_read_like_visits_are_told(cases):
    named = [dataclasses.replace(case, patient=name) for case, name in zip(cases, ("P01v1", "P01v2"), strict=False)]
    (finding,) = find_alike_patients(named)
    assert "P01v1 and P01v2" in finding.message
    assert find_alike_patients(cases) == []


def test_a_mask_on_another_grid_than_its_flair_is_an_error(tmp_path, cases):
    moved = sitk.ReadImage(str(cases[0].raters["anna"]))
    moved.SetOrigin([each + 0.5 for each in moved.GetOrigin()])
    sitk.WriteImage(moved, str(tmp_path / "mask.nii.gz"))
    (finding,) = check_masks([dataclasses.replace(cases[0], raters={"anna": tmp_path / "mask.nii.gz"})])
    assert finding.severity == "error"
    assert "corner lies" in finding.message


def test_one_file_as_two_contrasts_or_two_labels_is_told(cases):
    first, second = cases[0], cases[2]
    copied = dataclasses.replace(first, images={m: first.images[Modality.FLAIR] for m in (Modality.FLAIR, Modality.T1)})
    shared = dataclasses.replace(second, raters={"anna": first.raters["anna"]})
    found = check_cases([copied, shared], find_recipe("softseg2020"), starts_from_model=True)
    assert f"one file is given as two contrasts in {first.case}" in [
        each.message for each in found if each.severity == "error"
    ]
    label = first.raters["anna"].name
    assert f"{label} is the label of {first.case} and of {second.case}" in [each.message for each in found]
