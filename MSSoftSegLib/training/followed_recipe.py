"""The recipe as a training really follows it: what the number of patients decides, and what the request overrides."""

from __future__ import annotations

from MSSoftSegLib.network.description import ModelDescription
from MSSoftSegLib.network.window import window_of
from MSSoftSegLib.training.adaptation.policy import adapt_recipe, size_for
from MSSoftSegLib.training.engine.schedule import set_epochs
from MSSoftSegLib.training.recipe import Recipe


def resolve_recipe(
    recipe: Recipe,
    *,
    patients: int | None,
    initial: ModelDescription | None,
    epochs: int | None = None,
    seed: int | None = None,
) -> Recipe:
    """The recipe with the schedule and the window that it gets.

    patients: how many are labelled, which an adaptation goes by; None = not known, then nothing is adapted. initial: the model
    that is adapted, whose operating point was chosen with its window; None leaves the recipe's. epochs, seed: None leaves the
    recipe's.
    """
    if recipe.adaptation is not None and patients is not None:
        window = recipe.window if initial is None else window_of(initial)
        recipe = adapt_recipe(recipe, size_for(recipe.adaptation, patients), window)
    training = recipe.training
    if epochs is not None:
        training = set_epochs(training, epochs)
    if seed is not None:
        training = training.model_copy(update={"seed": seed})
    return recipe.model_copy(update={"training": training})
