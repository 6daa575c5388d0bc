"""The operating point of an adapted model, chosen on every approved patient by a model that has not seen her.

Two held-out patients cannot choose a threshold, and patients that a model learned from choose one that flatters. So the course
is run on parts of the patients as well; what these models say of the others chooses the point of the model that learned from all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import nn

from MSSoftSegLib.evaluation.lesionwise import detection
from MSSoftSegLib.evaluation.overlap import dice
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.training.data.prepared import PreparedCase
from MSSoftSegLib.training.engine.operating_point import (
    ChosenPoint,
    MeasuredPoint,
    choose_point,
    fit_temperature,
    lesion_mask,
    predict_cases,
)
from MSSoftSegLib.training.engine.run import Members, plan_members
from MSSoftSegLib.training.engine.task import FitTask, Hardware
from MSSoftSegLib.training.engine.validation import case_probability, mean_defined, predict_whole, read_rater_masks
from MSSoftSegLib.training.recipe import Recipe
from MSSoftSegLib.training.run_folder import CROSS_FIT_FOLDER


@dataclass(frozen=True)
class CrossFit:
    """point: chosen on patients whom the models had not seen; its mean_dsc is theirs. before, after: mean DSC and lesion F1 over
    these patients, by the model that is adapted with its own point and by the adapted ones with the chosen point."""

    point: MeasuredPoint
    patients: int
    before: tuple[float, float]
    after: tuple[float, float]

    @property
    def words(self) -> str:
        """For the log, the card and the panel."""
        return (
            f"chosen on {self.patients} patients, each predicted by a model that had not learned from her: DSC "
            f"{self.before[0]:.2f} before and {self.after[0]:.2f} after adaptation, lesion F1 {self.before[1]:.2f} and "
            f"{self.after[1]:.2f} (the point was chosen on the same patients)"
        )


def plan_cross_fit(
    cases: Sequence[PreparedCase],
    recipe: Recipe,
    folds: int,
    folder: Path,
    *,
    hardware: Hardware,
    resume: bool,
    initial_weights: Path | None,
    frozen: tuple[str, ...],
) -> list[FitTask]:
    """One course for each fold of the patients. folder: the run's; what is held out chooses the point and nothing else."""
    return plan_members(
        cases,
        recipe,
        Members(folds),
        folder / CROSS_FIT_FOLDER,
        hardware=hardware,
        resume=resume,
        initial_weights=initial_weights,
        frozen=frozen,
    )


def drop_validation(tasks: Sequence[FitTask]) -> list[FitTask]:
    """The same courses, of which the last weights are kept: weights chosen on the patients held out would flatter there."""
    return [replace(task, validation=(), picture=None) for task in tasks]


def cross_fitted(tasks: Sequence[FitTask], device: Device, initial: nn.Module, initial_point: ChosenPoint) -> CrossFit:
    """Choose the point on what the trained ``tasks`` say of the patients that each held out (Docs/methods.md section 7)."""
    recipe = tasks[0].recipe
    temperature = fit_temperature(tasks, device)
    cases, after = predict_cases(tasks, device, temperature, on="held-out")
    point = choose_point(cases, after, recipe, temperature)
    before = [
        case_probability(
            predict_whole(initial, case, recipe, device), case, recipe, temperature=initial_point.temperature
        )
        for case in cases
    ]
    return CrossFit(
        point,
        len({case.patient for case in cases}),
        _scores(cases, before, initial_point),
        _scores(cases, after, point),
    )


def _scores(
    cases: Sequence[PreparedCase], probabilities: Sequence[np.ndarray], point: ChosenPoint
) -> tuple[float, float]:
    """Mean DSC and lesion F1 over cases and raters."""
    dsc, f1 = [], []
    for case, probability in zip(cases, probabilities, strict=True):
        mask = lesion_mask(probability, point.threshold, point.min_lesion_mm3, case)
        truths = read_rater_masks(case)
        dsc.append(mean_defined([dice(mask, truth) for truth in truths]))
        f1.append(mean_defined([detection(truth, mask).f1 for truth in truths]))
    return mean_defined(dsc), mean_defined(f1)
