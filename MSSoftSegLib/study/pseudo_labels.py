"""What a study's teacher says of the unlabelled cases, as the ``pseudolabel`` job makes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from MSSoftSegLib.inference.pseudo_label_settings import PseudoLabelChoices
from MSSoftSegLib.jobs.run import parse_job, run
from MSSoftSegLib.library.labelled_case import LabelledCase
from MSSoftSegLib.library.reading import labelled_cases
from MSSoftSegLib.training.recipe import PseudoLabelSettings


def pseudo_labelled_cases(
    unlabelled: Path, teacher: Path, settings: PseudoLabelSettings, folder: Path
) -> list[LabelledCase]:
    """The unlabelled cases of a library with a teacher's labels; cases that the teacher is not sure enough of are left out.

    teacher: a model bundle. folder: where the library of pseudo-labelled cases is made; a finished one is reused.
    """
    choices = settings.model_dump(mode="json", include=set(PseudoLabelChoices.model_fields))
    spec = {"model": str(teacher), "unlabelled": unlabelled, "out": folder, "pseudo_labels": choices, "device": "cpu"}
    outcome = run(parse_job({"job": "teacher", "kind": "pseudolabel", "spec": spec}), _unheard)
    if outcome.error is not None:
        raise outcome.error
    return [case for case in labelled_cases(folder, statuses=("segmented",)) if case.is_pseudo_labelled]


def _unheard(event: dict[str, Any]) -> None:
    """The study tells the progress of whole trials only."""
