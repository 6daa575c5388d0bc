"""The recipe that a training would follow, and what of it was decided by the number of cases."""

from __future__ import annotations

from collections.abc import Sequence

from MSSoftSegLib.jobs.documents.train import TrainSpec
from MSSoftSegLib.jobs.preflight.finding import PreflightFinding
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.network.catalog import find_bundle
from MSSoftSegLib.training.adaptation.policy import count_labeled_patients, describe_course, size_for
from MSSoftSegLib.training.followed_recipe import resolve_recipe
from MSSoftSegLib.training.recipe import Recipe


def follow_recipe(
    recipe: Recipe, cases: Sequence[LabeledCase], spec: TrainSpec
) -> tuple[Recipe, list[PreflightFinding]]:
    """The recipe with the schedule that these cases get, and a note where they decide about it."""
    patients = count_labeled_patients(cases) if cases else None
    findings, initial = [], None
    if recipe.adaptation is not None and patients is not None:
        initial = None if spec.init is None else find_bundle(spec.init).description
        findings.append(PreflightFinding("note", describe_course(size_for(recipe.adaptation, patients), patients)))
    followed = resolve_recipe(recipe, patients=patients, initial=initial, epochs=spec.epochs, seed=spec.seed)
    return followed, findings
