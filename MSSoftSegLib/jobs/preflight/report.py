"""All checks together, and what they say as one document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.jobs.documents.train import TrainSpec
from MSSoftSegLib.jobs.preflight.case_checks import check_cases
from MSSoftSegLib.jobs.preflight.chosen_cases import choose_cases, list_patients
from MSSoftSegLib.jobs.preflight.estimate import Estimate, estimate_time, find_unknown_parts
from MSSoftSegLib.jobs.preflight.file_checks import find_damage, find_same_exams
from MSSoftSegLib.jobs.preflight.finding import PreflightFinding, make_finding
from MSSoftSegLib.jobs.preflight.mask_checks import check_masks, find_alike_patients
from MSSoftSegLib.jobs.preflight.needs import check_needs, disk_needed_mb, memory_needed_mb
from MSSoftSegLib.jobs.preflight.rate_probe import Probe, recall_or_probe
from MSSoftSegLib.jobs.preflight.rates import Rates, recall, signature
from MSSoftSegLib.jobs.preflight.recipe_checks import follow_recipe
from MSSoftSegLib.jobs.preflight.request_checks import (
    check_device,
    check_model,
    check_output,
    free_mb,
    name_computing_device,
)
from MSSoftSegLib.jobs.preflight.split import Split, expect_split
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.training.engine.launch import choose_hardware
from MSSoftSegLib.training.recipe import Recipe, find_recipe

UNKNOWN = Estimate(None, "")
NO_SPLIT = Split(0, 0, 0, 0, 0)
ORDER = ("error", "warning", "note")
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class PreflightPlan:
    """What is known of a training without measuring anything."""

    cases: Sequence[LabeledCase]
    recipe: Recipe | None
    split: Split
    findings: tuple[PreflightFinding, ...]


@dataclass(frozen=True)
class Costs:
    """What a training would take; None = not known."""

    estimate: Estimate
    disk_mb: float | None = None
    memory_mb: float | None = None
    findings: tuple[PreflightFinding, ...] = ()


def preflight(spec: TrainSpec, *, progress: Progress) -> dict[str, Any]:
    """Look at everything and change nothing; the summary as the ``result`` event tells it."""
    plan = plan_training(spec, progress)
    progress("rate", 0.0)
    free = free_mb(spec.out)
    costs = Costs(UNKNOWN)
    if plan.recipe is not None and plan.cases:
        try:
            costs = estimate_costs(spec, plan, plan.recipe, free)
        except MSSoftSegError as problem:
            costs = Costs(UNKNOWN, findings=(make_finding(problem),))
    progress("rate", 1.0)
    findings = dict.fromkeys((*plan.findings, *costs.findings))
    return {
        "patients": len(list_patients(plan.cases)),
        "visits": sum(not case.is_pseudo_labelled for case in plan.cases),
        "cases": len(plan.cases),
        "folds": spec.folds,
        "models": plan.split.models,
        "training": plan.split.training,
        "validation": plan.split.validation,
        "training_patients": plan.split.training_patients,
        "validation_patients": plan.split.validation_patients,
        "estimated_s": costs.estimate.seconds,
        "estimate": costs.estimate.basis,
        "disk_needed_mb": None if costs.disk_mb is None else round(costs.disk_mb),
        "disk_free_mb": round(free),
        "memory_needed_mb": None if costs.memory_mb is None else round(costs.memory_mb),
        "findings": [asdict(finding) for finding in sorted(findings, key=lambda each: ORDER.index(each.severity))],
    }


def plan_training(spec: TrainSpec, progress: Progress) -> PreflightPlan:
    """Cases, recipe and split, and what is wrong with them and with the request."""
    progress("cases", 0.0)
    cases, findings = choose_cases(spec)
    findings += [*check_output(spec), *check_device(spec)]
    try:
        recipe = find_recipe(spec.recipe)
        findings += check_model(spec, recipe)
        recipe, more = follow_recipe(recipe, cases, spec)
    except MSSoftSegError as problem:
        return PreflightPlan(cases, None, NO_SPLIT, (*findings, make_finding(problem)))
    findings += more
    if not cases:
        return PreflightPlan(cases, recipe, NO_SPLIT, tuple(findings))
    split, more = expect_split(cases, recipe, spec)
    findings += [*more, *check_cases(cases, recipe, starts_from_model=spec.init is not None)]
    progress("cases", 0.2)
    findings += [*find_damage(spec.library, cases), *check_masks(cases), *find_alike_patients(cases)]
    progress("cases", 0.6)
    findings += find_same_exams(cases)
    progress("cases", 1.0)
    return PreflightPlan(cases, recipe, split, tuple(findings))


def estimate_costs(spec: TrainSpec, plan: PreflightPlan, recipe: Recipe, free: float) -> Costs:
    """Time, disk and memory: by earlier trainings of this kind where there were any, else by a probe."""
    hardware = choose_hardware(spec.device, devices=spec.devices, nodes=spec.nodes, precision=spec.precision)
    broken = any(finding.severity == "error" for finding in plan.findings)
    example = next((case for case in plan.cases if case.preprocessed and not broken), None)
    raw = any(not case.preprocessed for case in plan.cases)
    key = signature(recipe, device=name_computing_device(spec), raw=raw)
    found = recall_or_probe(key, recipe, example, hardware)
    rates, basis = _rates(key, found)
    disk = disk_needed_mb(plan.cases, recipe, plan.split, found)
    memory = memory_needed_mb(recipe, found)
    return Costs(
        estimate_time(plan.cases, recipe, plan.split, rates, basis),
        disk,
        memory,
        (
            *check_needs(disk, free, memory, hardware.accelerator),
            *find_unknown_parts(plan.cases, recipe, rates, busy=found.busy),
        ),
    )


def _rates(key: str, found: Probe) -> tuple[Rates, str]:
    known = recall(key)
    if known is None:
        return found.rates, "(by steps tried on this machine)"
    rates, trainings = known
    return rates, f"(by {trainings} earlier training{'' if trainings == 1 else 's'} of this kind on this machine)"
