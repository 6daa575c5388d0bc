"""The recipe as a training would follow it: what the number of cases decides, and what the request overrides."""

from __future__ import annotations

from collections.abc import Sequence

from MSSoftSegLib.inference.sliding_window import training_window
from MSSoftSegLib.jobs.documents.train import TrainSpec
from MSSoftSegLib.jobs.preflight.finding import Finding
from MSSoftSegLib.library.labelled_case import LabelledCase
from MSSoftSegLib.network.catalog import find_bundle
from MSSoftSegLib.training.adaptation.policy import adapted_recipe, in_words, labelled_patients, size_for
from MSSoftSegLib.training.engine.course import with_epochs
from MSSoftSegLib.training.recipe import Recipe


def followed_recipe(recipe: Recipe, cases: Sequence[LabelledCase], spec: TrainSpec) -> tuple[Recipe, list[Finding]]:
    """Recipe with the course that these cases get."""
    findings = []
    if recipe.adaptation is not None and cases:
        patients = labelled_patients(cases)
        size = size_for(recipe.adaptation, patients)
        window = recipe.window if spec.init is None else training_window(find_bundle(spec.init).description)
        recipe = adapted_recipe(recipe, size, window)
        findings.append(Finding("note", in_words(size, patients)))
    if spec.epochs is not None:
        recipe = recipe.model_copy(update={"training": with_epochs(recipe.training, spec.epochs)})
    return recipe, findings
