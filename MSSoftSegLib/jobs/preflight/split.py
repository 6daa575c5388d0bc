"""How many cases train and how many judge: numbers follow from the patients; which patients is drawn when training begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from MSSoftSegLib.jobs.documents.train import TrainSpec
from MSSoftSegLib.jobs.preflight.chosen_cases import list_patients
from MSSoftSegLib.jobs.preflight.finding import PreflightFinding
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.training.adaptation.policy import size_for
from MSSoftSegLib.training.recipe import Recipe


@dataclass(frozen=True)
class Split:
    """Of one model: patients and cases on either side; models: networks that are trained one after the other, those that only
    choose an operating point included.

    Where patients have unequal numbers of visits the numbers of cases are the average's.
    """

    training_patients: int
    validation_patients: int
    training: int
    validation: int
    models: int


def expect_split(cases: Sequence[LabeledCase], recipe: Recipe, spec: TrainSpec) -> tuple[Split, list[PreflightFinding]]:
    """The split that training/data/folds.py would draw, in numbers."""
    patients = len(list_patients(cases))
    findings = []
    if spec.folds is not None:
        held_out = max(1, round(patients / spec.folds))
        models = (spec.folds if spec.fold is None else 1) * recipe.training.models
        if spec.fold is not None and spec.fold >= spec.folds:
            findings.append(
                PreflightFinding(
                    "error", f"there is no fold {spec.fold} of {spec.folds}", f"choose 0 to {spec.folds - 1}"
                )
            )
        if patients < spec.folds:
            findings.append(_too_few(patients, f"for {spec.folds} folds"))
    else:
        share = recipe.data.validation
        held_out = max(1, round(share * patients)) if share else 0
        models = recipe.training.models + _cross_fit_courses(recipe, patients)
        if share and held_out >= patients:
            findings.append(_too_few(patients, "to hold one out that judges the model"))
    labeled = sum(not case.is_pseudo_labelled for case in cases)
    held_out = min(held_out, patients)
    validation = round(labeled * held_out / patients) if patients else 0
    training = len(cases) - validation
    return Split(patients - held_out, held_out, training, validation, models), findings


def _cross_fit_courses(recipe: Recipe, patients: int) -> int:
    """Further courses that choose the operating point of an adaptation."""
    return size_for(recipe.adaptation, patients).cross_fit if recipe.adaptation is not None else 0


def _too_few(patients: int, what_for: str) -> PreflightFinding:
    return PreflightFinding(
        "error",
        f"{patients} patient{'s' if patients != 1 else ''} with a rater's mask are too few {what_for}",
        "approve cases of more patients, or ask for fewer folds",
    )
