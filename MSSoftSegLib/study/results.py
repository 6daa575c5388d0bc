"""What the trials measured, by arm: read back from their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from MSSoftSegLib.evaluation.bootstrap import MeanWithInterval, mean_with_interval
from MSSoftSegLib.evaluation.isbi import isbi_equivalent, isbi_s
from MSSoftSegLib.evaluation.volume import volume_correlation
from MSSoftSegLib.exam.plain_text import parse_json
from MSSoftSegLib.study.plan import StudyPlan
from MSSoftSegLib.study.running import plan_trials
from MSSoftSegLib.study.trial import name_result_file

BOOTSTRAP_SEED = 0


@dataclass(frozen=True)
class Measured:
    """One held-out case in one trial. values: by rater, then by measure."""

    arm: str
    seed: int
    fold: int
    patient: str
    case: str
    values: dict[str, dict[str, float | None]]
    by_size: dict[str, list[dict[str, Any]]]

    def mean(self, measure: str, *, rater: int | None = None) -> float | None:
        """Against one rater (0 = first), or the mean over the raters for whom it is defined."""
        raters = sorted(self.values)
        chosen = raters if rater is None else raters[rater : rater + 1]
        defined = [value for name in chosen if (value := self.values[name][measure]) is not None]
        return float(np.mean(defined)) if defined else None


@dataclass(frozen=True)
class Results:
    """Everything measured so far, and what is known of each trial's model."""

    plan: StudyPlan
    cases: tuple[Measured, ...]
    models: tuple[dict[str, Any], ...]

    def of(self, arm: str) -> list[Measured]:
        """An arm's cases in a fixed order, so that two arms can be paired."""
        found = [case for case in self.cases if case.arm == arm]
        return sorted(found, key=lambda case: (case.seed, case.fold, case.case))

    @property
    def arms(self) -> list[str]:
        """The arms with measurements, in the study's order."""
        present = {case.arm for case in self.cases}
        return [arm for arm in self.plan.size.arms if arm in present]

    def model_mean(self, arm: str, fact: str) -> float | None:
        """Mean of a fact over the arm's models."""
        values = [model[fact] for model in self.models if model["arm"] == arm and model[fact] is not None]
        return float(np.mean(values)) if values else None

    def summary(self, arm: str, measure: str, *, rater: int | None = None) -> MeanWithInterval:
        """Mean over cases and seeds, interval from resampling patients."""
        cases = self.of(arm)
        return mean_with_interval(
            [case.mean(measure, rater=rater) for case in cases],
            patients=[case.patient for case in cases],
            rng=np.random.default_rng(BOOTSTRAP_SEED),
        )

    def isbi(self, arm: str) -> float | None:
        """ISBI-equivalent (Docs/methods.md section 6): volume correlation over held-out cases, scores averaged over raters."""
        cases = self.of(arm)
        scores = []
        for rater in range(max((len(case.values) for case in cases), default=0)):
            vc = volume_correlation(
                _numbers(cases, "truth_volume_ml", rater), _numbers(cases, "predicted_volume_ml", rater)
            )
            means = {name: self.summary(arm, name, rater=rater).mean for name in ("dsc", "ppv", "lfpr", "ltpr")}
            scores.append(isbi_s(vc=vc, **means))
        return isbi_equivalent(scores)


def read_results(study: Path, plan: StudyPlan) -> Results:
    """The measurements of every finished trial."""
    cases, models = [], []
    for trial in plan_trials(plan):
        path = name_result_file(study, trial)
        if not path.is_file():
            continue
        document = parse_json(path.read_bytes())
        models.append({key: value for key, value in document.items() if key != "cases"})
        for case in document["cases"]:
            raters = case["raters"]
            cases.append(
                Measured(
                    arm=trial.arm,
                    seed=trial.seed,
                    fold=trial.fold,
                    patient=case["patient"],
                    case=case["case"],
                    values={name: rater["values"] for name, rater in raters.items()},
                    by_size={name: rater["by_size"] for name, rater in raters.items()},
                )
            )
    return Results(plan, tuple(cases), tuple(models))


def _numbers(cases: Sequence[Measured], measure: str, rater: int) -> list[float]:
    return [value for case in cases if (value := case.mean(measure, rater=rater)) is not None]
