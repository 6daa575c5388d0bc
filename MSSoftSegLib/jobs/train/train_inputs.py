"""The cases that a training is made from; what is wrong with them is refused before anything slow."""

from __future__ import annotations

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.jobs.documents.train import TrainSpec
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.library.same_exam import check_no_exam_twice
from MSSoftSegLib.library.training_cases import choose_training_cases, read_pseudo_labeled_cases


def read_training_cases(spec: TrainSpec) -> list[LabeledCase]:
    """The labelled cases of the library or datalist, and the pseudo-labelled ones; RequestError when there is none.

    No image among them has two names: one of them could train while the other validates.
    """
    cases = choose_training_cases(spec.library, spec.statuses)
    if not cases:
        raise RequestError(
            f"{spec.library.name} holds no labelled case with the status {' or '.join(spec.statuses)}",
            remedy="approve cases with mssoftseg library set-status, or name other statuses with --status",
        )
    if spec.pseudo is not None:
        pseudo = read_pseudo_labeled_cases(spec.pseudo)
        if not pseudo:
            raise RequestError(
                f"{spec.pseudo.name} holds no pseudo-labelled case", remedy="make some with mssoftseg pseudolabel"
            )
        cases += pseudo
    check_no_exam_twice(cases)
    return cases
