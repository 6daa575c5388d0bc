"""What is looked at when an epoch ends: the validation cases, what was forgotten, and one case as a picture."""

from __future__ import annotations

import numpy as np
from torch import nn

from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.training.data.prepared import PreparedCase
from MSSoftSegLib.training.engine.progress_channel import ProgressChannel
from MSSoftSegLib.training.engine.task import FitTask
from MSSoftSegLib.training.engine.validation import Validation, validate
from MSSoftSegLib.training.engine.validation_picture import draw_validation

# So many base patients are watched while a model trains: each costs a whole-brain prediction. All are looked at when it is done.
WATCHED = 1


def judge(network: nn.Module, task: FitTask, step: int, device: Device, channel: ProgressChannel) -> Validation | None:
    """Validate, tell the metrics, draw the picture; None where nobody is held out (the picture is then of a training case)."""
    first: list[tuple[PreparedCase, np.ndarray]] = []

    def keep(case: PreparedCase, probability: np.ndarray) -> None:
        if not first:
            first.append((case, probability))

    found = validate(network, task.validation, task.recipe, device, seen=keep) if task.validation else None
    if found is not None:
        for name, value in (("val_loss", found.loss), ("val_dice", found.dice), ("val_soft_dice", found.soft_dice)):
            channel.metric(name, step, value)
        if task.picture is not None:
            _draw(task, first[0], found, f"held-out case {first[0][0].case}, step {step}: DSC {found.dice:.3f}")
    elif task.picture is not None and (shown := _drawn_by_raters(task)) is not None:
        seen = validate(network, [shown], task.recipe, device, seen=keep)
        title = f"training case {shown.case} (none is held out), step {step}: DSC {seen.dice:.3f}"
        _draw(task, first[0], seen, title)
    if task.base:
        channel.metric("base_dice", step, validate(network, task.base[:WATCHED], task.recipe, device).dice)
    return found


def _drawn_by_raters(task: FitTask) -> PreparedCase | None:
    return next((case for case in task.training if not case.is_pseudo_labelled), None)


def _draw(task: FitTask, shown: tuple[PreparedCase, np.ndarray], found: Validation, title: str) -> None:
    assert task.picture is not None
    draw_validation(task.picture, *shown, threshold=found.threshold, title=title)
