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
from MSSoftSegLib.evaluation.verdict import TOLERATED_FALL
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.training.data.prepared import PreparedCase
from MSSoftSegLib.training.engine.operating_point import (
    ChosenPoint,
    MeasuredPoint,
    PointOf,
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
    """What models say of patients whom they had not seen, as mean DSC and lesion F1 over them.

    before: by the model that is adapted, with its own points. kept, chosen: by the adapted ones, with those points (each exam
    with the one of its acquisition) and with the one that is best on these patients, chosen_point. kept_point: the old default.
    Both points' mean_dsc are these.
    """

    patients: int
    before: tuple[float, float]
    kept_point: MeasuredPoint
    kept: tuple[float, float]
    chosen_point: MeasuredPoint
    chosen: tuple[float, float]

    @property
    def is_kept(self) -> bool:
        """Whether the old point stays: the best one gains no more DSC than two trainings differ by whose seeds differ."""
        return self.chosen[0] - self.kept[0] <= TOLERATED_FALL["dsc"]

    @property
    def point(self) -> MeasuredPoint:
        """How the adapted model is used."""
        return self.kept_point if self.is_kept else self.chosen_point

    @property
    def words(self) -> str:
        """For the log, the card and the panel."""
        dsc, f1 = self.kept if self.is_kept else self.chosen
        whose = (
            f"that of the model that was adapted: another would gain no more than {TOLERATED_FALL['dsc']:g} DSC"
            if self.is_kept
            else "chosen"
        )
        flatters = "" if self.is_kept else " (the point was chosen on the same patients)"
        return (
            f"{whose} on {self.patients} patients, each predicted by a model that had not learned from her: DSC "
            f"{self.before[0]:.2f} before and {dsc:.2f} after adaptation, lesion F1 {self.before[1]:.2f} and {f1:.2f}{flatters}"
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


def cross_fitted(
    tasks: Sequence[FitTask], device: Device, initial: nn.Module, default: ChosenPoint, point_of: PointOf
) -> CrossFit:
    """Choose the point on what the trained ``tasks`` say of the patients that each held out (Docs/methods.md section 7).

    default, point_of: how the model that is adapted is used, and each exam by its acquisition.
    """
    recipe = tasks[0].recipe
    temperature = fit_temperature(tasks, device)
    cases, after = predict_cases(tasks, device, lambda case: temperature, on="held-out")
    best = choose_point(cases, after, recipe, temperature)
    _, as_before = predict_cases(tasks, device, lambda case: point_of(case).temperature, on="held-out")
    before = [
        case_probability(
            predict_whole(initial, case, recipe, device), case, recipe, temperature=point_of(case).temperature
        )
        for case in cases
    ]
    kept = _scores(cases, as_before, point_of)
    return CrossFit(
        patients=len({case.patient for case in cases}),
        before=_scores(cases, before, point_of),
        kept_point=MeasuredPoint(default.temperature, default.threshold, default.min_lesion_mm3, kept[0], len(cases)),
        kept=kept,
        chosen_point=best,
        chosen=_scores(cases, after, lambda case: best),
    )


def _scores(
    cases: Sequence[PreparedCase], probabilities: Sequence[np.ndarray], point_of: PointOf
) -> tuple[float, float]:
    """Mean DSC and lesion F1 over cases and raters."""
    dsc, f1 = [], []
    for case, probability in zip(cases, probabilities, strict=True):
        point = point_of(case)
        mask = lesion_mask(probability, point.threshold, point.min_lesion_mm3, case)
        truths = read_rater_masks(case)
        dsc.append(mean_defined([dice(mask, truth) for truth in truths]))
        f1.append(mean_defined([detection(truth, mask).f1 for truth in truths]))
    return mean_defined(dsc), mean_defined(f1)
