"""The part of the ``train`` job that is special where a model is adapted: rehearsal, operating point, what was forgotten."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.network.bundle import Bundle
from MSSoftSegLib.network.description import ModelDescription
from MSSoftSegLib.network.weights import load_networks
from MSSoftSegLib.training.adaptation.base_patients import base_patients
from MSSoftSegLib.training.adaptation.cross_fit import cross_fitted
from MSSoftSegLib.training.adaptation.forgetting import Forgetting, measure_forgetting
from MSSoftSegLib.training.adaptation.points import AdaptedPoints, keep_points, replace_points
from MSSoftSegLib.training.adaptation.policy import count_labeled_patients, describe_course, size_for
from MSSoftSegLib.training.adaptation.rehearsal import make_rehearsal_cases
from MSSoftSegLib.training.data.prepared import PreparedCase, prepare_cases
from MSSoftSegLib.training.engine.operating_point import (
    choose_operating_point,
    load_trained,
    measure_given_point,
)
from MSSoftSegLib.training.engine.task import FitTask
from MSSoftSegLib.training.recipe import AdaptationSettings, AdaptationSize, Recipe

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Adaptation:
    """What is adapted, and how: initial is the model that it starts from."""

    initial: Bundle
    settings: AdaptationSettings
    size: AdaptationSize
    patients: int


@dataclass(frozen=True)
class Extra:
    """Prepared digital patients: to rehearse, and to see what was forgotten."""

    rehearsal: tuple[PreparedCase, ...] = ()
    base: tuple[PreparedCase, ...] = ()


@dataclass(frozen=True)
class AdaptationOutcome:
    """How the model is used, in which words that was chosen, and what it forgot."""

    points: AdaptedPoints
    words: str
    forgetting: Forgetting


def plan_adaptation(recipe: Recipe, cases: Sequence[LabeledCase], initial: Bundle | None) -> Adaptation | None:
    """None where the recipe adapts nothing; RequestError where it does and there is nothing to adapt."""
    settings = recipe.adaptation
    if settings is None:
        return None
    if initial is None:
        raise RequestError(
            f"the recipe {recipe.name} adapts a model that exists", remedy="name it with --init, starter for one"
        )
    patients = count_labeled_patients(cases)
    size = size_for(settings, patients)
    LOGGER.info("%s", describe_course(size, patients))
    return Adaptation(initial, settings, size, patients)


def prepare_extra(
    adaptation: Adaptation | None,
    recipe: Recipe,
    folder: Path,
    prepared: Path,
    device: Device,
    *,
    progress: Callable[[float], None],
    cancelled: Callable[[], bool],
) -> Extra:
    """Make, label and prepare the digital patients; none where nothing is adapted. folder: the run's."""
    if adaptation is None:
        return Extra()
    settings = adaptation.settings
    spacing = settings.base_spacing_mm
    base = base_patients("validation", settings.base_patients, spacing_mm=spacing, progress=_part(progress, 0.0, 0.4))
    rehearsed: list[LabeledCase] = []
    if adaptation.size.rehearsal:
        made = base_patients(
            "rehearsal", settings.rehearsal_patients, spacing_mm=spacing, progress=_part(progress, 0.4, 0.7)
        )
        rehearsed = make_rehearsal_cases(
            made, adaptation.initial, folder / "rehearsal", device, progress=_part(progress, 0.7, 0.8)
        )
    found = prepare_cases(
        [*rehearsed, *base], recipe, prepared, progress=_part(progress, 0.8, 1.0), cancelled=cancelled
    )
    return Extra(tuple(found[: len(rehearsed)]), tuple(found[len(rehearsed) :]))


def finish_adaptation(
    adaptation: Adaptation,
    tasks: Sequence[FitTask],
    cross_fit: Sequence[FitTask],
    device: Device,
    *,
    progress: Callable[[float], None],
) -> AdaptationOutcome:
    """Choose or keep the operating points, and look at the base patients before and after. cross_fit: finished courses that chose
    them on patients held out; none where there are too few."""
    points, words = _choose_points(adaptation, tasks, cross_fit, device, progress)
    LOGGER.info("operating point: %s", words)
    forgetting = measure_forgetting(
        (load_networks(adaptation.initial)[:1], keep_points(adaptation.initial.description).point_of),
        ([load_trained(task) for task in tasks], points.point_of),
        tasks[0].base,
        tasks[0].recipe,
        device,
    )
    for lost in forgetting.told:
        LOGGER.warning("the adapted model forgot: %s", lost)
    return AdaptationOutcome(points, words, forgetting)


def _choose_points(
    adaptation: Adaptation,
    tasks: Sequence[FitTask],
    cross_fit: Sequence[FitTask],
    device: Device,
    progress: Callable[[float], None],
) -> tuple[AdaptedPoints, str]:
    """The points, and how they were come by in words."""
    description = adaptation.initial.description
    old = keep_points(description)
    held_out = [case for task in tasks for case in task.validation]
    patients = len({case.patient for case in held_out})
    if cross_fit:
        found = cross_fitted(cross_fit, device, load_networks(adaptation.initial)[0], old.default, old.point_of)
        if found.is_kept:
            return replace(old, default=found.point), found.words
        choosing = [case for task in cross_fit for case in task.validation]
        return replace_points(description, found.point, choosing, found.words), found.words
    if patients < adaptation.settings.operating_point_patients:
        measured = measure_given_point(tasks, device, old.default, old.point_of, progress=progress)
        return replace(old, default=measured), _kept_in_words(description, patients)
    point = choose_operating_point(tasks, device, on="held-out", progress=progress)
    words = f"chosen on {patients} held-out patients"
    return replace_points(description, point, held_out, words), words


def _kept_in_words(base: ModelDescription, held_out: int) -> str:
    """Why the operating point of the model that is adapted is kept."""
    several = "s" if held_out > 1 else ""
    who = f"{held_out} held-out patient{several} cannot" if held_out else "nobody was held out who could"
    return (
        f"threshold, temperature and smallest lesion are those of {base.name} {base.version}: {who} choose better ones"
    )


def adaptation_facts(adaptation: Adaptation, outcome: AdaptationOutcome) -> dict[str, Any]:
    """What the bundle says of the adaptation."""
    description = adaptation.initial.description
    return {
        "started_from": description.name,
        "started_from_version": description.version,
        "started_from_sha256": adaptation.initial.sha256,
        "course": describe_course(adaptation.size, adaptation.patients),
        "size": adaptation.size.model_dump(mode="json"),
        "operating_point": outcome.words,
        "base": outcome.forgetting.facts(),
    }


def _part(progress: Callable[[float], None], low: float, high: float) -> Callable[[float], None]:
    return lambda fraction: progress(low + fraction * (high - low))
