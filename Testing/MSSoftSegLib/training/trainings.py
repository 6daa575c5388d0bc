"""Small trainings for tests, in this process or in one of their own that can be killed.

As a program: ``python -m Testing.MSSoftSegLib.training.trainings FOLDER KILL_AT [resume]`` trains on the cases in FOLDER and
kills itself, as the system would, when step KILL_AT is done (0 = never).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from MSSoftSegLib.training.data.folds import hold_out
from MSSoftSegLib.training.data.prepared import prepare_cases
from MSSoftSegLib.training.engine.launch import train_one
from MSSoftSegLib.training.engine.progress_channel import DirectChannel
from MSSoftSegLib.training.engine.task import FitTask, Hardware
from MSSoftSegLib.training.recipe import Recipe
from Testing.MSSoftSegLib.training.small_cases import write_small_cases
from Testing.MSSoftSegLib.training.tiny_recipes import tiny_recipe

IN_PROCESS = Hardware(workers=0)


def small_task(folder: Path, recipe: Recipe, *, cases: int = 4, hardware: Hardware = IN_PROCESS) -> FitTask:
    """A task on small cases below ``folder``, which are written where they are not there yet."""
    source = folder / "cases"
    labeled = write_small_cases(source, cases, seed=5) if not source.exists() else None
    if labeled is None:
        labeled = write_small_cases(folder / f"again-{os.getpid()}", cases, seed=5)
    prepared = prepare_cases(labeled, recipe, folder / "prepared")
    fold = hold_out(prepared, share=recipe.data.validation, seed=1)
    return FitTask(recipe, fold.training, fold.validation, folder / "run", recipe.training.seed, hardware)


def train(task: FitTask, cancelled: Callable[[], bool] = lambda: False) -> dict[str, list[float]]:
    """Train in this process; the metrics that were told, by name."""
    told: dict[str, list[float]] = {}

    def metric(name: str, step: int, value: float) -> None:
        told.setdefault(name, []).append(value)

    train_one(task, DirectChannel(metric, is_cancelled=cancelled))
    return told


def killed_recipe() -> Recipe:
    """Two epochs of six steps, a checkpoint every fourth: a kill after step 9 is in the middle of an epoch, past step 8."""
    return tiny_recipe(training__steps_per_epoch=6, training__checkpoint_steps=4, training__average_decay=0.9)


def main(folder: Path, kill_at: int, *, resume: bool) -> None:
    """Train, and be killed."""
    torch.set_num_threads(1)
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    task = replace(small_task(folder, killed_recipe(), hardware=Hardware(workers=1)), resume=resume)
    train_one(task, DirectChannel(is_cancelled=count))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), resume="resume" in sys.argv)
