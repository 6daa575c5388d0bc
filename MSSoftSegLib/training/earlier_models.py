"""Models that a training leans on: the one that it starts from, and the teacher of its pseudo-labels.

Refused now rather than after hours where they do not fit; what is told before a training asks here too.
"""

from __future__ import annotations

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.network.bundle import Bundle
from MSSoftSegLib.network.catalog import find_bundle
from MSSoftSegLib.training.engine.teacher_check import check_teacher_fits
from MSSoftSegLib.training.recipe import Recipe


def find_teacher(name: str | None, recipe: Recipe) -> Bundle | None:
    """The model that made the pseudo-labels; RequestError where it cannot be compared. None where none is named."""
    if name is None:
        return None
    if recipe.pseudo_labels is None:
        raise RequestError(
            f"the recipe {recipe.name} does not say how to mix pseudo-labels in",
            remedy="choose a recipe with [pseudo_labels], such as barilan-ssl",
        )
    teacher = find_bundle(name)
    check_teacher_fits(teacher, recipe)
    return teacher


def find_initial_bundle(name: str | None, recipe: Recipe) -> Bundle | None:
    """The model to start from; RequestError where its network or its images are not the recipe's. None where none is named."""
    if name is None:
        return None
    bundle = find_bundle(name)
    if bundle.description.network != recipe.network or len(bundle.description.inputs) != len(recipe.data.inputs):
        raise RequestError(
            f"the model {bundle.description.name} has another network than the recipe {recipe.name}",
            remedy=f"choose a recipe with a {bundle.description.network.kind} of the same size, or another model to start from",
        )
    if not _same_images(bundle, recipe):
        raise RequestError(
            f"the model {bundle.description.name} looks at other images than the recipe {recipe.name}",
            remedy="choose a recipe with its inputs, spacing, normalization and activation, or another model to start from",
        )
    return bundle


def _same_images(bundle: Bundle, recipe: Recipe) -> bool:
    description = bundle.description
    return (
        description.inputs == recipe.data.inputs
        and description.spacing_mm == recipe.data.spacing_mm
        and description.normalization == recipe.data.normalization
        and description.activation == recipe.activation.name
    )
