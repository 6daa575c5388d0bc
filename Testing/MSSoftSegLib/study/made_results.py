"""Measurements of a study that never ran, with differences between arms that are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from MSSoftSegLib.evaluation.case_metrics import MEASURES
from MSSoftSegLib.evaluation.lesionwise import SIZE_BINS
from MSSoftSegLib.study.plan import StudyPlan
from MSSoftSegLib.study.results import Measured, Results
from MSSoftSegLib.study.size import FULL, StudySize

PATIENTS = 9
RATERS = ("anna", "bert")


def made_results(effects: dict[str, float], *, size: StudySize = FULL, noise: float = 0.005) -> Results:
    """Arms with a DSC of 0.6 plus their effect, in every measure between 0 and 1; patients differ, arms are paired."""
    size = replace(size, seeds=1, every_fold=False, folds=3, arms=tuple(effects))
    rng = np.random.default_rng(7)
    hardness = rng.uniform(-0.2, 0.2, PATIENTS)
    cases = []
    for arm, effect in effects.items():
        # Without a mean of its own: an arm's effect is exactly what is asked for.
        scatter = rng.normal(0, noise, PATIENTS)
        scatter -= scatter.mean()
        for number in range(PATIENTS):
            value = 0.6 + hardness[number] + effect + scatter[number]
            cases.append(_case(arm, number, value, effect))
    folds = tuple(frozenset(f"p{n}" for n in range(PATIENTS) if n % 3 == fold) for fold in range(3))
    models = [
        {"arm": arm, "validation_dsc": 0.6 + effect, "mean_soft_volume_ml": 9.0, "threshold": 0.5}
        for arm, effect in effects.items()
    ]
    return Results(StudyPlan(size, None, folds), tuple(cases), tuple(models))


def _case(arm: str, number: int, value: float, effect: float) -> Measured:
    numbers: dict[str, float | None] = dict.fromkeys(MEASURES, value)
    numbers |= {"lfpr": 1 - value, "truth_volume_ml": 5.0 + number, "predicted_volume_ml": 5.0 + number * value}
    numbers |= {"error_auroc_lesion": 0.8 + effect}
    found = round(100 * (0.5 + effect))
    sizes: list[dict[str, Any]] = [
        {"size": size, "truth_lesions": 100, "touched": found, "predicted_lesions": 100, "false": 10}
        for size in SIZE_BINS
    ]
    return Measured(
        arm, 0, number % 3, f"p{number}", f"case{number}", dict.fromkeys(RATERS, numbers), dict.fromkeys(RATERS, sizes)
    )
