"""What a study's teacher says of the unlabelled cases."""

from __future__ import annotations

from pathlib import Path

from MSSoftSegLib.inference.pseudo_label_settings import PseudoLabelChoices
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.library.training_cases import read_pseudo_labeled_cases
from MSSoftSegLib.training.pseudo_labels.labeling import LabelingRequest, Listener, label_exams
from MSSoftSegLib.training.recipe import PseudoLabelSettings


def label_with_teacher(
    unlabeled: Path, teacher: Path, settings: PseudoLabelSettings, folder: Path
) -> list[LabeledCase]:
    """The unlabelled cases of a library with a teacher's labels; cases that the teacher is not sure enough of are left out.

    teacher: a model bundle. folder: where the library of pseudo-labelled cases is made; a finished one is reused.
    """
    choices = PseudoLabelChoices(**settings.model_dump(include=set(PseudoLabelChoices.model_fields)))
    # Nobody listens: the study tells the progress of whole trials only.
    label_exams(str(teacher), LabelingRequest(unlabeled, folder, choices), device="cpu", listener=Listener())
    return read_pseudo_labeled_cases(folder)
