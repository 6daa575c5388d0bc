"""The training loop: it learns, it stops when told, it survives what happens to machines, and it repeats itself exactly."""

from __future__ import annotations

import errno
import math
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from safetensors.torch import load_file

from MSSoftSegLib.errors import DiskFull, JobCancelled, JobFailed, OutOfMemory, RequestError, make_user_error
from MSSoftSegLib.training.data.sample import Sample
from MSSoftSegLib.training.engine import checkpoint, fit, judging
from MSSoftSegLib.training.engine.average import WeightAverage
from MSSoftSegLib.training.engine.curves import STEPS_FILE, VALIDATIONS_FILE, read_rows
from MSSoftSegLib.training.engine.task import Hardware
from Testing.MSSoftSegLib.training.tiny_recipes import tiny_patch_recipe, tiny_recipe
from Testing.MSSoftSegLib.training.trainings import killed_recipe, small_task, train
from Testing.patience import HANGING_S

ROOT = Path(__file__).resolve().parents[3]


def losses(folder: Path) -> list[float]:
    return [float(row["loss"]) for row in read_rows(folder / STEPS_FILE)]


@pytest.mark.parametrize("recipe", [tiny_recipe, tiny_patch_recipe], ids=["slices", "patches"])
def test_training_lowers_the_loss_and_finds_lesions(recipe, tmp_path):
    task = small_task(tmp_path, recipe(training__steps_per_epoch=30, training__gradient_clip=5.0))
    told = train(task)
    found = losses(task.folder)
    assert len(found) == 60
    assert np.mean(found[-10:]) < 0.7 * np.mean(found[:5])
    assert max(told["val_dice"]) > 0.4
    assert task.best_weights.is_file()
    assert (task.folder / "curves.png").stat().st_size > 1000


def test_the_same_seed_gives_the_same_losses_and_another_seed_others(tmp_path):
    first = small_task(tmp_path / "a", tiny_recipe())
    train(first)
    again = replace(first, folder=tmp_path / "again")
    train(again)
    other = replace(first, folder=tmp_path / "other", seed=first.seed + 1)
    train(other)
    assert losses(first.folder) == losses(again.folder)
    assert losses(first.folder) != losses(other.folder)


def program(folder: Path, kill_at: int, *more: str) -> int:
    command = [sys.executable, "-m", "Testing.MSSoftSegLib.training.trainings", str(folder), str(kill_at), *more]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False, timeout=HANGING_S).returncode


def test_after_a_kill_in_the_middle_of_an_epoch_the_resumed_run_has_the_losses_of_the_unbroken_one(tmp_path):
    broken, unbroken = tmp_path / "broken", tmp_path / "unbroken"
    assert program(broken, 9) == -signal.SIGKILL
    assert len(losses(broken / "run")) == 8, "what the checkpoint knows, and no more"
    assert not list((broken / "run").glob(".*")), "no half-written file is left"
    assert program(broken, 0, "resume") == 0
    assert program(unbroken, 0) == 0
    assert len(losses(unbroken / "run")) == 12
    assert losses(broken / "run") == pytest.approx(losses(unbroken / "run"), rel=0.01)
    final = [load_file(str(folder / "run" / "best.safetensors")) for folder in (broken, unbroken)]
    for name, tensor in final[0].items():
        assert torch.allclose(tensor, final[1][name], rtol=1e-2, atol=1e-4), name
    rows = [read_rows(folder / "run" / VALIDATIONS_FILE) for folder in (broken, unbroken)]
    assert [row["step"] for row in rows[0]] == [row["step"] for row in rows[1]] == ["6", "12"]


def test_a_resumed_run_is_not_one_that_started_over(tmp_path):
    """The comparison above could not fail if every run had the same losses at every step."""
    task = small_task(tmp_path, killed_recipe())
    train(task)
    found = losses(task.folder)
    assert found[8:] != pytest.approx(found[:4], rel=0.01)


def test_two_processes_with_one_sample_each_train_like_one_process_with_two(tmp_path):
    # Soft Dice alone is a mean over samples, and this network has no statistics of the batch: the two are then one problem.
    changes = {"loss": [{"name": "soft-dice"}], "augmentation": {}, "training__gradient_clip": None}
    one = small_task(tmp_path / "one", tiny_recipe(sampling__batch=2, **changes))
    two = small_task(
        tmp_path / "two", tiny_recipe(sampling__batch=1, **changes), hardware=Hardware(devices=2, workers=0)
    )
    train(one)
    told = train(two)
    assert losses(two.folder) == pytest.approx(losses(one.folder), rel=1e-3)
    assert len(told["val_dice"]) == 2, "the first process speaks, the other is silent"


def test_an_error_in_a_spawned_process_reaches_the_user_as_itself(tmp_path):
    recipe = tiny_recipe(training__phases=[{"epochs": 2, "optimizer": "sgd", "rate": 1e30}])
    task = small_task(tmp_path, recipe, hardware=Hardware(devices=2, workers=0))
    with pytest.raises(JobFailed, match="the loss became"):
        train(task)


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_checkpoint(tmp_path, monkeypatch):
    task = small_task(tmp_path, tiny_recipe())
    usual, calls = fit.deep_supervision_loss, []

    def spoiled(*arguments):
        calls.append(1)
        loss = usual(*arguments)
        return loss * math.nan if len(calls) == 7 else loss

    monkeypatch.setattr(fit, "deep_supervision_loss", spoiled)
    with pytest.raises(JobFailed, match="nan at step 6") as problem:
        train(task)
    assert "learning rate" in problem.value.remedy
    assert checkpoint.load_checkpoint(task.folder)["step"] == 6
    monkeypatch.setattr(fit, "deep_supervision_loss", usual)
    train(replace(task, resume=True))
    assert len(losses(task.folder)) == 8


def test_a_full_disk_keeps_the_last_good_checkpoint_and_leaves_no_half_file(tmp_path, monkeypatch):
    task = small_task(tmp_path, tiny_recipe())
    usual, writes = os.fsync, []

    def full(descriptor):
        writes.append(descriptor)
        if len(writes) > 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        usual(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space") as problem:
        train(task)
    assert isinstance(make_user_error(problem.value), DiskFull)
    monkeypatch.undo()
    assert checkpoint.load_checkpoint(task.folder)["step"] in {2, 4, 6}
    assert not list(task.folder.glob(".*"))
    train(replace(task, resume=True))
    assert len(losses(task.folder)) == 8


@pytest.mark.parametrize("workers", [0, 1])
def test_a_case_that_vanishes_while_training_stops_the_run_with_the_cause(workers, tmp_path):
    task = small_task(tmp_path, tiny_recipe(training__steps_per_epoch=40), hardware=Hardware(workers=workers))
    steps = []

    def remove() -> bool:
        steps.append(1)
        if len(steps) == 3:
            for case in task.training:
                (case.folder / "images.npy").unlink()
        return False

    with pytest.raises(JobFailed, match="cannot be read any more"):
        train(task, remove)
    assert checkpoint.load_checkpoint(task.folder)["step"] >= 2


def test_a_killed_process_that_makes_samples_is_told_of_and_the_run_goes_on(tmp_path):
    task = small_task(tmp_path, tiny_recipe(training__steps_per_epoch=40), hardware=Hardware(workers=1))
    steps, others = [], set(psutil.Process().children())

    def kill() -> bool:
        steps.append(1)
        if len(steps) == 3:
            # Not a process that another test's loader still has.
            (worker,) = set(psutil.Process().children()) - others
            worker.kill()
        return False

    with pytest.raises(OutOfMemory, match="was killed") as caught:
        train(task, kill)
    assert "--resume" in caught.value.remedy
    step = checkpoint.load_checkpoint(task.folder)["step"]
    train(replace(task, resume=True))
    assert len(losses(task.folder)) > step


def test_a_cancelled_run_goes_on_where_it_stopped(tmp_path):
    task = small_task(tmp_path, killed_recipe())
    calls = iter([False] * 4 + [True] * 100)
    with pytest.raises(JobCancelled):
        train(task, lambda: next(calls))
    assert checkpoint.load_checkpoint(task.folder)["step"] == 5
    train(replace(task, resume=True))
    assert len(losses(task.folder)) == 12


def test_training_stops_early_when_validation_stalls(tmp_path):
    recipe = tiny_recipe(training__phases=[{"epochs": 50, "optimizer": "sgd", "rate": 1e-12}], training__early_stop=2)
    task = small_task(tmp_path, recipe)
    train(task)
    assert len(read_rows(task.folder / VALIDATIONS_FILE)) == 3, "the first is the best, two more are waited for"


def test_the_best_weights_are_those_of_the_best_validation(tmp_path, monkeypatch):
    task = small_task(tmp_path, tiny_recipe(training__phases=[{"epochs": 3, "rate": 1e-2}]))
    scores = iter([0.2, 0.6, 0.4])
    kept = []

    def judged(network, cases, recipe, device, *, seen):
        kept.append({name: tensor.clone() for name, tensor in network.state_dict().items()})
        return fit.Validation(1.0, next(scores), 0.1, 0.5)

    monkeypatch.setattr(judging, "validate", judged)
    train(task)
    best = load_file(str(task.best_weights))
    assert all(torch.equal(best[name], kept[1][name]) for name in best)
    assert not all(torch.equal(best[name], kept[2][name]) for name in best)


def test_a_soft_value_reaches_the_loss_as_it_is(tmp_path, monkeypatch):
    """No binarisation between file and loss: a label of 0.37 everywhere in the brain is 0.37 in what the loss is given."""
    task = small_task(tmp_path, tiny_recipe(augmentation={"flip": 0.5, "rotation_deg": 20.0, "gamma": 0.3}))
    for case in task.training:
        label = np.where(case.brain(), np.float32(0.37), np.float32(0))
        np.save(case.folder / "label.npy", label)
    seen: list[Sample] = []
    usual = fit.deep_supervision_loss

    def watched(outputs, label, weight, sample_weight, criterion):
        seen.append(label)
        return usual(outputs, label, weight, sample_weight, criterion)

    monkeypatch.setattr(fit, "deep_supervision_loss", watched)
    train(task)
    values = torch.cat([label.flatten() for label in seen])
    assert (torch.isclose(values, torch.tensor(0.37), atol=1e-5)).float().mean() > 0.3
    assert values.max() < 0.371


def test_pseudo_labeled_samples_count_by_their_weight(tmp_path):
    pseudo = {"share": 0.5, "weight": 0.25}
    task = small_task(tmp_path, tiny_recipe(pseudo_labels=pseudo))
    cases = (*task.training[:-1], replace(task.training[-1], is_pseudo_labelled=True))
    loop = fit.Fitting.__new__(fit.Fitting)
    loop.recipe, loop.task = task.recipe, replace(task, training=cases)
    draws = {"samples": [{"place": {"case": 0}}, {"place": {"case": len(cases) - 1}}]}
    batch = Sample(torch.zeros(2, 3, 4, 4), torch.zeros(2, 1, 4, 4), torch.ones(2, 1, 4, 4), "a, b", draws)
    assert loop._sample_weight(batch, batch.label).tolist() == [1.0, 0.25]


def test_the_running_mean_of_weights_is_what_its_definition_says():
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(network.weight, 0.0)
    average = WeightAverage(network, decay=0.5)
    expected = 0.0
    for step, value in enumerate((1.0, 4.0, -2.0, 8.0)):
        torch.nn.init.constant_(network.weight, value)
        average.update(network, step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    assert float(average.network.weight) == pytest.approx(expected, rel=1e-5)


class Harmful:
    """What a pickle from elsewhere could do."""

    def __reduce__(self):
        return os.system, ("touch harmed",)


def test_a_checkpoint_that_would_run_code_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"format": 1, "step": Harmful()}, tmp_path / checkpoint.CHECKPOINT, pickle_module=pickle)
    with pytest.raises(RequestError, match="cannot be read"):
        checkpoint.load_checkpoint(tmp_path)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize("state", [["a list"], {"format": 1, "step": 1}])
def test_a_checkpoint_that_holds_something_else_is_refused_in_words(state, tmp_path):
    torch.save(state, tmp_path / checkpoint.CHECKPOINT)
    with pytest.raises(RequestError, match="checkpoint"):
        train(replace(small_task(tmp_path, tiny_recipe()), folder=tmp_path, resume=True))


def test_a_place_that_became_read_only_is_named_without_its_path():
    error = make_user_error(OSError(errno.EROFS, "Read-only file system", "/home/me/out/steps.csv"))
    assert isinstance(error, RequestError)
    assert "steps.csv may not be" in error.message
    assert "home" not in error.message


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    task = small_task(tmp_path, tiny_recipe())
    train(task)
    other = replace(task, recipe=tiny_recipe(network={"kind": "unet-2d", "widths": [4, 8]}), resume=True)
    with pytest.raises(RequestError, match="of another network"):
        train(other)
