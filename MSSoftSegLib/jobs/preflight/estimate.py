"""How long a training would take: its schedule in steps and whole brains, times this machine's rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from MSSoftSegLib.jobs.preflight.finding import PreflightFinding
from MSSoftSegLib.jobs.preflight.rates import Rates
from MSSoftSegLib.jobs.preflight.split import Split
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.training.engine.operating_point import MOST_CASES
from MSSoftSegLib.training.engine.schedule import total_steps
from MSSoftSegLib.training.recipe import Recipe

BUSY = 1.7


@dataclass(frozen=True)
class Estimate:
    """seconds: None = not known. basis: what it rests on, in words."""

    seconds: float | None
    basis: str


def estimate_time(cases: Sequence[LabeledCase], recipe: Recipe, split: Split, rates: Rates, basis: str) -> Estimate:
    """Wall time on this machine: as busy as it was in earlier trainings, or with nothing else to do where it was tried now."""
    training = recipe.training
    epochs = sum(phase.epochs for phase in training.phases)
    of_one = total_steps(training) * rates.step_s + epochs * split.validation * rates.validation_case_s
    preparing = len(cases) * (rates.preparing_case_s or 0.0)
    calibrated = split.validation if recipe.postprocessing.calibrate else 0
    chosen_on = (min(MOST_CASES, split.training) + min(MOST_CASES, calibrated)) * max(1, split.models - 1)
    choosing = chosen_on * rates.operating_case_s
    total = rates.start_s + preparing + rates.other_s + split.models * of_one + choosing
    return Estimate(round(total, 1), basis)


def find_unknown_parts(
    cases: Sequence[LabeledCase], recipe: Recipe, rates: Rates, *, busy: float
) -> list[PreflightFinding]:
    """What the estimate leaves out. busy: how much longer than computing something took on this machine just now."""
    findings = []
    if busy > BUSY:
        findings.append(
            PreflightFinding(
                "note",
                f"this machine is busy: computing took {busy:.0f} times as long just now, and so may the training",
            )
        )
    raw = sum(not case.preprocessed for case in cases)
    if raw and rates.preparing_case_s is None:
        findings.append(
            PreflightFinding(
                "note",
                f"{raw} cases have yet to be preprocessed, which no training on this machine has measured: "
                "that comes on top of the time, once",
                "see how long the first case takes",
            )
        )
    if recipe.adaptation is not None and not rates.other_s:
        findings.append(PreflightFinding("note", "making digital patients to rehearse comes on top of the time"))
    if recipe.training.early_stop is not None:
        findings.append(
            PreflightFinding("note", "the recipe stops early when validation no longer improves: it may take less")
        )
    return findings
