"""From the number of labelled patients to what is done with them: the recipe's [adaptation], made explicit."""

from __future__ import annotations

from collections.abc import Sequence

from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.network.window import Window
from MSSoftSegLib.training.recipe import AdaptationSettings, AdaptationSize, PseudoLabelSettings, Recipe


def count_labeled_patients(cases: Sequence[LabeledCase]) -> int:
    """How many patients a rater has labelled."""
    return len({case.patient for case in cases if not case.is_pseudo_labelled})


def size_for(settings: AdaptationSettings, patients: int) -> AdaptationSize:
    """The first size that holds so many patients."""
    return next(size for size in settings.sizes if size.patients is None or patients <= size.patients)


def adapt_recipe(recipe: Recipe, size: AdaptationSize, window: Window | None) -> Recipe:
    """The recipe with the schedule, the hold-out and the rehearsal of a size. window: of the model that is adapted, whose
    operating point was chosen with it."""
    phase = recipe.training.phases[0].model_copy(update={"epochs": size.epochs, "rate": size.rate})
    changes = {
        "training": recipe.training.model_copy(update={"phases": (phase,)}),
        "data": recipe.data.model_copy(update={"validation": size.validation}),
        "pseudo_labels": PseudoLabelSettings(share=size.rehearsal) if size.rehearsal else None,
        "postprocessing": recipe.postprocessing.model_copy(update={"window": window}),
    }
    return recipe.model_copy(update=changes)


def describe_course(size: AdaptationSize, patients: int) -> str:
    """What will be done, for the log and the card."""
    frozen = f"{', '.join(size.frozen)} frozen" if size.frozen else "nothing frozen"
    held = f"{size.validation:.0%} of the patients held out" if size.validation else "no patient held out"
    if size.cross_fit:
        held = f"the operating point chosen on all of them by {size.cross_fit} further courses"
    return (
        f"adaptation to {patients} patient{'' if patients == 1 else 's'}: {frozen}, learning rate {size.rate:g}, "
        f"{size.epochs} epochs, {size.rehearsal:.0%} of the samples rehearsed, {held}"
    )
