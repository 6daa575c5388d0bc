"""What a training is made from: cases, the model to start from, the teacher of pseudo-labels. Refused before anything slow."""

from __future__ import annotations

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.jobs.documents.train import TrainSpec
from MSSoftSegLib.library.datalist import read_datalist
from MSSoftSegLib.library.labelled_case import LabelledCase
from MSSoftSegLib.library.reading import labelled_cases
from MSSoftSegLib.library.same_exam import check_no_exam_twice
from MSSoftSegLib.network.bundle import Bundle
from MSSoftSegLib.network.catalog import find_bundle
from MSSoftSegLib.training.engine.teacher_check import check_teacher_fits
from MSSoftSegLib.training.recipe import Recipe


def read_training_cases(spec: TrainSpec) -> list[LabelledCase]:
    """The labelled cases of the library or datalist, and the pseudo-labelled ones; RequestError when there is none.

    No image among them has two names: one of them could train while the other validates.
    """
    if spec.library.suffix == ".json":
        cases = read_datalist(spec.library)
    else:
        cases = labelled_cases(spec.library, statuses=spec.statuses)
    cases = [case for case in cases if case.raters or case.soft_label is not None]
    if not cases:
        raise RequestError(
            f"{spec.library.name} holds no labelled case with the status {' or '.join(spec.statuses)}",
            remedy="approve cases with mssoftseg library set-status, or name other statuses with --status",
        )
    if spec.pseudo is not None:
        pseudo = [case for case in labelled_cases(spec.pseudo, statuses=("segmented",)) if case.is_pseudo_labelled]
        if not pseudo:
            raise RequestError(
                f"{spec.pseudo.name} holds no pseudo-labelled case", remedy="make some with mssoftseg pseudolabel"
            )
        cases += pseudo
    check_no_exam_twice(cases)
    return cases


def find_teacher(spec: TrainSpec, recipe: Recipe) -> Bundle | None:
    """The model that made the pseudo-labels; refused now rather than after hours where it cannot be compared."""
    if spec.teacher is None:
        return None
    if recipe.pseudo_labels is None:
        raise RequestError(
            f"the recipe {recipe.name} does not say how to mix pseudo-labels in",
            remedy="choose a recipe with [pseudo_labels], such as barilan-ssl",
        )
    teacher = find_bundle(spec.teacher)
    check_teacher_fits(teacher, recipe)
    return teacher


def find_initial_bundle(spec: TrainSpec, recipe: Recipe) -> Bundle | None:
    """The model to start from; refused now rather than after preprocessing where it does not fit."""
    if spec.init is None:
        return None
    bundle = find_bundle(spec.init)
    if bundle.description.network != recipe.network or len(bundle.description.inputs) != len(recipe.data.inputs):
        raise RequestError(
            f"the model {bundle.description.name} has another network than the recipe {recipe.name}",
            remedy=f"choose a recipe with a {bundle.description.network.kind} of the same size, or another --init",
        )
    if not _same_images(bundle, recipe):
        raise RequestError(
            f"the model {bundle.description.name} looks at other images than the recipe {recipe.name}",
            remedy="choose a recipe with its inputs, spacing, normalization and activation, or another --init",
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
