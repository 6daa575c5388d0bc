"""``mssoftseg train``: from a case library or a datalist to a bundle that segments, and what is refused on the way."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import SimpleITK as sitk

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.library.creation import create_library
from MSSoftSegLib.library.datalist import write_datalist
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.network.bundle import read_bundle, verify
from MSSoftSegLib.network.weights import load_networks
from MSSoftSegLib.training.engine.checkpoint import write_whole
from MSSoftSegLib.training.engine.curves import STEPS_FILE, read_rows
from MSSoftSegLib.training.run_folder import CONFIG_FILE, has_begun, name_run_folder
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.training.small_cases import write_small_cases
from Testing.patience import HANGING_S

RECIPE = """
extends = "barilan-sl"
name = "small"
loss = [{ name = "soft-dice" }, { name = "soft-bce" }]
[network]
kind = "unet-2d"
widths = [8, 16]
[sampling]
mode = "slice"
size = [24, 24]
batch = 2
[training]
steps_per_epoch = 6
phases = [{ epochs = 2, rate = 1e-2 }]
seed = 3
[postprocessing]
calibrate = true
[pseudo_labels]
share = 0.5
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "small.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def cases(tmp_path_factory) -> list[LabeledCase]:
    return write_small_cases(tmp_path_factory.mktemp("cases"), 4, seed=11)


@pytest.fixture(scope="module")
def datalist(cases, tmp_path_factory):
    return write_datalist(cases, tmp_path_factory.mktemp("list") / "cases.json")


def train(library: Path, recipe: Path, out: Path, *more: str) -> int:
    command = ["train", "--library", str(library), "--recipe", str(recipe), "--out", str(out)]
    return run_command([*command, "--device", "cpu", "--precision", "32", *more])


@pytest.fixture(scope="module")
def model(datalist, recipe, tmp_path_factory):
    out = tmp_path_factory.mktemp("model") / "first"
    assert train(datalist, recipe, out) == 0
    return out


def test_the_bundle_is_whole_and_says_how_it_was_made(model):
    bundle = read_bundle(model)
    verify(bundle)
    assert len(load_networks(bundle)) == 1
    description = bundle.description
    assert description.recipe["name"] == "small"
    assert description.training["patients"] == 4
    assert description.training["mean_soft_volume_ml"] > 0
    assert 0 < description.threshold < 1
    assert (model / "curves" / "curves.png").is_file()
    assert len(read_rows(model / "curves" / STEPS_FILE)) == 12
    assert "Not a medical device" in bundle.card


def test_the_runs_folder_keeps_what_a_later_run_needs_and_no_images(model):
    left = {path.name for path in name_run_folder(model).rglob("*") if path.is_file()}
    assert {"config.json", "checkpoint.pt", "best.safetensors", STEPS_FILE} <= left
    assert not [name for name in left if name.endswith(".npy")]


def test_metrics_are_events_and_progress_never_goes_back(datalist, recipe, tmp_path, capfd):
    assert train(datalist, recipe, tmp_path / "m", "--json-events", "--epochs", "1") == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    named = {event["name"] for event in events if event["event"] == "metric"}
    assert named == {"loss", "val_loss", "val_dice", "val_soft_dice"}
    overall = [event["overall"] for event in events if event["event"] == "progress"]
    assert overall == sorted(overall)
    assert events[-1]["event"] == "result"


def test_a_library_is_trained_on_its_approved_cases_only(cases, recipe, tmp_path, capsys):
    library = create_library(tmp_path / "library")
    for number, case in enumerate(cases):
        status = "approved" if number < 3 else "corrected"
        add_case(
            library,
            patient=f"p{number}",
            images=case.images,
            raters=case.raters,
            status=status,
            preprocessed=True,
        )
    assert train(library, recipe, tmp_path / "m", "--epochs", "1") == 0
    assert read_bundle(tmp_path / "m").description.training["training_cases"] == 3
    assert train(library, recipe, tmp_path / "n", "--status", "segmented") == 2
    assert "no labelled case with the status segmented" in capsys.readouterr().err


def test_folds_become_the_members_of_one_ensemble(datalist, recipe, tmp_path):
    assert train(datalist, recipe, tmp_path / "m", "--folds", "2", "--epochs", "1") == 0
    bundle = read_bundle(tmp_path / "m")
    assert [file.name for file in bundle.description.files] == ["weights-0.safetensors", "weights-1.safetensors"]
    assert len(load_networks(bundle)) == 2


def test_a_training_can_start_from_a_model(datalist, recipe, model, tmp_path):
    assert train(datalist, recipe, tmp_path / "m", "--init", str(model), "--epochs", "1") == 0
    fresh, tuned = (float(read_rows(folder / "curves" / STEPS_FILE)[0]["loss"]) for folder in (model, tmp_path / "m"))
    assert tuned < fresh


def test_a_model_of_another_network_is_no_beginning(datalist, recipe, tmp_path, capsys):
    assert train(datalist, recipe, tmp_path / "m", "--init", "starter") == 2
    assert "has another network" in capsys.readouterr().err


def test_a_run_that_was_begun_is_neither_overwritten_nor_mixed_up(datalist, recipe, tmp_path, capsys):
    out = tmp_path / "m"
    folder = name_run_folder(out)
    folder.mkdir()
    (folder / "config.json").write_text('{"recipe": {"name": "another"}}')
    assert train(datalist, recipe, out) == 2
    assert "add --resume to go on, or --overwrite" in capsys.readouterr().err
    assert train(datalist, recipe, out, "--resume") == 2
    assert "another recipe" in capsys.readouterr().err
    assert train(datalist, recipe, out, "--overwrite", "--epochs", "1") == 0


@pytest.mark.parametrize("option", ["--overwrite", "--resume"])
def test_a_run_killed_while_its_first_file_was_written_is_begun_anew(datalist, recipe, tmp_path, option):
    folder = name_run_folder(tmp_path / "m")
    folder.mkdir()
    (folder / ".config.json.4242").write_text('{"recipe"')
    assert train(datalist, recipe, tmp_path / "m", option, "--epochs", "1") == 0


def test_the_first_file_of_a_run_is_known_while_it_is_written(tmp_path, monkeypatch):
    """The name that it has until it is whole is the writer's; a kill may come at any moment before."""
    begun = []
    monkeypatch.setattr("os.replace", lambda source, target: begun.append(has_begun(Path(source).parent)))
    write_whole(tmp_path / CONFIG_FILE, b"{}")
    assert begun == [False]
    assert [path.name for path in tmp_path.iterdir()] != [], "there was something to be known"


def test_a_run_is_removed_whole_or_not_at_all(datalist, recipe, tmp_path, monkeypatch):
    """A kill while the old run's files are deleted: what is left stands under the name of scratch and is tidied up."""
    folder = name_run_folder(tmp_path / "m")
    (folder / "prepared").mkdir(parents=True)
    (folder / "config.json").write_text("{}")

    def killed(path, *args, **kwargs):
        (Path(path) / "config.json").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("MSSoftSegLib.result_folder.shutil.rmtree", killed)
        train(datalist, recipe, tmp_path / "m", "--overwrite", "--epochs", "1")
    assert not folder.exists(), "gone as a whole"
    assert train(datalist, recipe, tmp_path / "m", "--overwrite", "--epochs", "1") == 0
    assert [path.name for path in tmp_path.glob(".m.run*")] == []


def test_a_folder_that_is_no_run_is_never_removed(datalist, recipe, tmp_path, capsys):
    folder = name_run_folder(tmp_path / "m")
    folder.mkdir()
    (folder / "thesis.docx").write_text("years of work")
    assert train(datalist, recipe, tmp_path / "m", "--overwrite") == 2
    assert "is no training run" in capsys.readouterr().err
    assert (folder / "thesis.docx").is_file()


def test_a_folder_that_is_no_run_is_not_gone_on_with(datalist, recipe, tmp_path, capsys):
    mine = name_run_folder(tmp_path / "m") / "prepared" / "thesis.docx"
    mine.parent.mkdir(parents=True)
    mine.write_text("years of work")
    assert train(datalist, recipe, tmp_path / "m", "--resume") == 2
    assert "another recipe, other folds or other cases" in capsys.readouterr().err
    assert mine.is_file()


def test_a_run_goes_on_with_the_cases_that_it_was_begun_with(cases, datalist, recipe, tmp_path, capsys):
    out = tmp_path / "m"
    assert train(datalist, recipe, out, "--epochs", "1") == 0
    shutil.rmtree(out)
    fewer = write_datalist(cases[:3], tmp_path / "fewer.json")
    assert train(fewer, recipe, out, "--epochs", "1", "--resume") == 2
    assert "other cases" in capsys.readouterr().err
    assert train(datalist, recipe, out, "--epochs", "1", "--resume") == 0


def test_a_stopped_training_becomes_a_model_of_its_best_weights_without_learning_more(
    datalist, recipe, tmp_path, capsys
):
    out = tmp_path / "m"
    assert train(datalist, recipe, out, "--epochs", "1") == 0
    weights = (out / "weights.safetensors").read_bytes()
    shutil.rmtree(out)
    member = name_run_folder(out) / "fold-0-model-0"
    (member / "done").unlink()
    steps = (member / STEPS_FILE).read_text()
    assert train(datalist, recipe, out, "--epochs", "1", "--finish") == 2
    assert "--finish needs --resume" in capsys.readouterr().err
    assert train(datalist, recipe, out, "--epochs", "1", "--resume", "--finish") == 0
    assert (out / "weights.safetensors").read_bytes() == weights
    assert (member / STEPS_FILE).read_text() == steps
    shutil.rmtree(out)
    (member / "best.safetensors").unlink()
    assert train(datalist, recipe, out, "--epochs", "1", "--resume", "--finish") == 2
    assert "before its first validation" in capsys.readouterr().err


def test_weights_that_were_damaged_are_named(datalist, recipe, tmp_path, capsys):
    out = tmp_path / "m"
    assert train(datalist, recipe, out, "--epochs", "1") == 0
    shutil.rmtree(out)
    (name_run_folder(out) / "fold-0-model-0" / "best.safetensors").write_bytes(b"no weights")
    assert train(datalist, recipe, out, "--epochs", "1", "--resume") == 4
    assert "best.safetensors of this run is missing or damaged" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["mödel", "my model", ".hidden", "m" * 65])
def test_a_name_that_no_model_may_have_is_refused_before_training(name, datalist, recipe, tmp_path, capsys):
    assert train(datalist, recipe, tmp_path / name) == 2
    assert "cannot be the name of a model" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_an_unknown_model_to_start_from_is_refused_before_anything_is_made(datalist, recipe, tmp_path, capsys):
    assert train(datalist, recipe, tmp_path / "m", "--init", "nobody") == 2
    assert "no model is called 'nobody'" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_a_library_without_pseudo_labels_teaches_nobody(datalist, recipe, model, tmp_path, capsys):
    library = create_library(tmp_path / "empty")
    assert train(datalist, recipe, tmp_path / "m", "--pseudo", str(library), "--teacher", str(model)) == 2
    assert "holds no pseudo-labelled case" in capsys.readouterr().err


def test_pseudo_labels_need_their_teacher_and_a_recipe_that_knows_them(datalist, recipe, model, tmp_path, capsys):
    assert train(datalist, recipe, tmp_path / "m", "--pseudo", str(tmp_path)) == 2
    assert "--teacher go together" in capsys.readouterr().err
    more = ["--pseudo", str(tmp_path), "--teacher", str(model)]
    assert train(datalist, Path("barilan-sl"), tmp_path / "m", *more) == 2
    assert "choose a recipe with [pseudo_labels]" in capsys.readouterr().err


def test_a_student_learns_from_its_teachers_labels_and_is_compared_with_it(cases, datalist, recipe, model, tmp_path):
    exams = tmp_path / "exams"
    for case in write_small_cases(tmp_path / "more", 2, seed=99):
        (exams / case.case).mkdir(parents=True)
        for modality, path in case.images.items():
            os.link(path, exams / case.case / f"{modality}.nii.gz")
    asked = ["pseudolabel", "--model", str(model), "--unlabelled", str(exams), "--out", str(tmp_path / "pseudo")]
    assert run_command([*asked, "--preprocessed", "--tst", "0"]) == 0
    more = ["--pseudo", str(tmp_path / "pseudo"), "--teacher", str(model), "--init", str(model)]
    assert train(datalist, recipe, tmp_path / "student", *more) in {0, 4}, (
        "the guard may refuse, but nothing else fails"
    )
    if (tmp_path / "student").is_dir():
        assert read_bundle(tmp_path / "student").description.training["pseudo_labelled_cases"] == 2


def test_a_student_that_falls_behind_its_teacher_is_refused(datalist, recipe, model, tmp_path, monkeypatch, capsys):
    from MSSoftSegLib.training.engine import teacher_check

    scores = iter([0.8, 0.5] * 10)
    monkeypatch.setattr(teacher_check, "_score", lambda *asked: next(scores))
    library = create_library(tmp_path / "pseudo")
    (case,) = write_small_cases(tmp_path / "more", 1, seed=98)
    add_case(library, patient="p1", images=case.images, soft_label=case.raters["anna"], preprocessed=True)
    more = ["--pseudo", str(library), "--teacher", str(model), "--epochs", "1"]
    assert train(datalist, recipe, tmp_path / "student", *more) == 4
    assert "not better than its teacher" in capsys.readouterr().err
    assert not (tmp_path / "student").exists()
    assert list(name_run_folder(tmp_path / "student").rglob("best.safetensors")), "what was computed is kept"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--fold", "1"], "--fold needs --folds"),
        (["--folds", "2", "--fold", "5"], "there is no fold 5 of 2"),
        (["--folds", "9"], "too few for 9 folds"),
        (["--resume", "--overwrite"], "either --resume"),
        (["--nodes", "2"], "torchrun or srun"),
        (["--precision", "8"], "precision"),
        (["--device", "toaster"], "names no device"),
    ],
)
def test_what_cannot_be_done_is_refused_before_training(more, said, datalist, recipe, tmp_path, capsys):
    assert train(datalist, recipe, tmp_path / "m", *more) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


def test_processes_that_torchrun_started_train_one_model_together(datalist, recipe, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", port, "-m", "MSSoftSegLib"]
    asked = [
        "train",
        "--library",
        str(datalist),
        "--recipe",
        str(recipe),
        "--out",
        str(tmp_path / "m"),
        "--epochs",
        "1",
    ]
    more = ["--device", "cpu", "--devices", "2", "--precision", "32", "--json-events"]
    done = subprocess.run(
        [sys.executable, *launcher, *asked, *more],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGING_S,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [event["event"] for event in events].count("started") == 1, "one process speaks"
    assert events[-1]["event"] == "result"
    assert len(read_rows(tmp_path / "m" / "curves" / STEPS_FILE)) == 6


def copied_as(image: Path, target: Path) -> Path:
    """The same voxels in a file with other bytes and another name."""
    sitk.WriteImage(sitk.ReadImage(str(image)), str(target), useCompression=False)
    return target


def test_an_exam_with_a_label_is_not_learned_from_as_pseudo_labeled_too(
    cases, datalist, recipe, model, tmp_path, capsys
):
    library = create_library(tmp_path / "pseudo")
    twin = cases[2]
    images = {modality: copied_as(path, tmp_path / f"{modality}.nii") for modality, path in twin.images.items()}
    (other,) = write_small_cases(tmp_path / "more", 1, seed=97)
    add_case(library, patient="pseudo001", images=other.images, soft_label=other.raters["anna"], preprocessed=True)
    add_case(library, patient="pseudo002", images=images, soft_label=twin.raters["anna"], preprocessed=True)
    more = ["--pseudo", str(library), "--teacher", str(model), "--epochs", "1"]
    assert train(datalist, recipe, tmp_path / "student", *more) == 2
    said = capsys.readouterr().err
    assert f"sub-pseudo002 has the same FLAIR as the labelled case {twin.case}" in said
    assert str(tmp_path) not in said
    assert not name_run_folder(tmp_path / "student").exists()
    assert run_command(["library", "set-status", str(library), "sub-pseudo002", "excluded"]) == 0
    assert train(datalist, recipe, tmp_path / "student", *more) in {0, 4}, "the other pseudo-label may be learned from"


def test_one_flair_is_not_two_patients(cases, recipe, tmp_path, capsys):
    again = replace(cases[0], case="again", patient="somebody else")
    listed = write_datalist([*cases, again], tmp_path / "cases.json")
    assert train(listed, recipe, tmp_path / "m") == 2
    assert f"{cases[0].case} and again have the same FLAIR" in capsys.readouterr().err
    visit = replace(again, patient=cases[0].patient)
    assert train(write_datalist([*cases, visit], listed), recipe, tmp_path / "m", "--epochs", "1") == 0
