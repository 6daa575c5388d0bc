"""All checks together, and what they say as one document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.jobs.preflight_checks.chosen_cases import chosen_cases, patients_of
from MSSoftSegLib.jobs.preflight_checks.finding import Finding, as_finding
from MSSoftSegLib.jobs.preflight_checks.split import Split, expected_split
from MSSoftSegLib.jobs.train_specification import TrainSpec
from MSSoftSegLib.library.labelled_case import LabelledCase
from MSSoftSegLib.training.recipe import find_recipe

MB = 1e6
NO_SPLIT = Split(0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Report:
    """What a training would do."""

    spec: TrainSpec
    cases: Sequence[LabelledCase]
    split: Split
    findings: Sequence[Finding]
    disk_free_mb: float
    disk_needed_mb: float | None = None
    estimated_s: float | None = None
    estimate: str = ""
    memory_needed_mb: float | None = None

    def summary(self) -> dict[str, Any]:
        """As the ``result`` event tells it."""
        return {
            "patients": len(patients_of(self.cases)),
            "visits": sum(not case.is_pseudo_labelled for case in self.cases),
            "cases": len(self.cases),
            "folds": self.spec.folds,
            "models": self.split.models,
            "training": self.split.training,
            "validation": self.split.validation,
            "training_patients": self.split.training_patients,
            "validation_patients": self.split.validation_patients,
            "estimated_s": self.estimated_s,
            "estimate": self.estimate,
            "disk_needed_mb": self.disk_needed_mb,
            "disk_free_mb": self.disk_free_mb,
            "memory_needed_mb": self.memory_needed_mb,
            "findings": [vars(finding) for finding in self.findings],
        }


def preflight(spec: TrainSpec, *, progress: Callable[[str, float], None]) -> Report:
    """Look at everything; nothing is changed."""
    progress("cases", 0.0)
    cases, findings = chosen_cases(spec)
    split = NO_SPLIT
    try:
        recipe = find_recipe(spec.recipe)
        split, more = expected_split(cases, recipe, spec)
        findings += more if cases else []
    except MSSoftSegError as problem:
        findings.append(as_finding(problem))
    progress("rate", 1.0)
    return Report(spec, cases, split, findings, disk_free_mb=round(free_mb(spec.out)))


def free_mb(out: Path) -> float:
    """Space left where the model is to lie."""
    place = out.absolute().parent
    while not place.exists():
        place = place.parent
    return float(psutil.disk_usage(str(place)).free / MB)
