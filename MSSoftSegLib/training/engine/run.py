"""One training run: prepared cases to folds, folds to members, members to a bundle."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.inference.device import Device, choose_device
from MSSoftSegLib.training.data.folds import draw_folds, hold_out
from MSSoftSegLib.training.data.prepared import PreparedCase
from MSSoftSegLib.training.engine.launch import train_one
from MSSoftSegLib.training.engine.progress_channel import DirectChannel
from MSSoftSegLib.training.engine.task import FitTask, Hardware
from MSSoftSegLib.training.recipe import Recipe
from MSSoftSegLib.training.run_folder import PICTURE_FILE, Member


@dataclass(frozen=True)
class Members:
    """Which models one run trains. folds: None = one hold-out split. fold: None = every fold, one model each."""

    folds: int | None = None
    fold: int | None = None


def plan_members(
    cases: Sequence[PreparedCase],
    recipe: Recipe,
    members: Members,
    folder: Path,
    *,
    hardware: Hardware,
    resume: bool,
    initial_weights: Path | None,
    frozen: tuple[str, ...] = (),
    base: Sequence[PreparedCase] = (),
) -> list[FitTask]:
    """One task for each fold and each of the recipe's identical models; patients are never split."""
    training = recipe.training
    if members.folds is None:
        splits = [hold_out(cases, share=recipe.data.validation, seed=training.seed)]
        numbers = [0]
    else:
        splits = draw_folds(cases, folds=members.folds, seed=training.seed)
        numbers = list(range(members.folds)) if members.fold is None else [members.fold]
        if not all(0 <= number < members.folds for number in numbers):
            raise RequestError(
                f"there is no fold {members.fold} of {members.folds}", remedy=f"choose 0 to {members.folds - 1}"
            )
    return [
        FitTask(
            recipe=recipe,
            training=tuple(splits[number].training),
            validation=tuple(splits[number].validation),
            folder=folder / f"fold-{number}-model-{model}",
            seed=training.seed + 1000 * number + 100_000 * model,
            hardware=hardware,
            resume=resume,
            initial_weights=initial_weights,
            frozen=frozen,
            base=tuple(base),
            picture=folder / f"fold-{number}-model-{model}" / PICTURE_FILE,
        )
        for number in numbers
        for model in range(training.models)
    ]


def describe_members(tasks: Sequence[FitTask]) -> list[Member]:
    """Who learns from which cases, by name."""
    return [
        Member(
            name=task.folder.name,
            training=tuple(case.case for case in task.training if not case.is_pseudo_labelled),
            held_out=tuple(case.case for case in task.validation),
        )
        for task in tasks
    ]


def train_members(
    tasks: Sequence[FitTask],
    *,
    metric: Callable[[str, int, float], None],
    progress: Callable[[float, str], None],
    cancelled: Callable[[], bool],
) -> None:
    """Train one after the other; a member that is finished is not trained again on resuming."""
    for number, task in enumerate(tasks):
        if task.resume and task.is_done:
            continue
        if not task.resume:
            shutil.rmtree(task.folder, ignore_errors=True)

        def report(fraction: float, message: str, number: int = number) -> None:
            many = f"model {number + 1} of {len(tasks)}, " if len(tasks) > 1 else ""
            progress((number + fraction) / len(tasks), many + message)

        train_one(task, DirectChannel(metric, report, cancelled))
        task.mark_done()


def find_trained_members(tasks: Sequence[FitTask]) -> list[FitTask]:
    """Those members of a stopped training that have weights to make a model of; RequestError where none has."""
    found = [task for task in tasks if task.best_weights.is_file()]
    if not found:
        raise RequestError(
            "this training was stopped before its first validation: there are no best weights yet",
            remedy="go on with it by --resume alone",
        )
    return found


def choose_judging_device(hardware: Hardware) -> Device:
    """Where whole brains are predicted to choose the operating point."""
    return choose_device(hardware.accelerator)
