"""Which cases a training takes: one rule for the training itself and for what is told before it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from MSSoftSegLib.library.case_record import Status
from MSSoftSegLib.library.datalist import read_datalist
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.library.reading import read_labeled_cases


def is_datalist(library: Path) -> bool:
    """Whether cases are listed in a file, which knows no statuses, and not kept in a case library."""
    return library.suffix.lower() == ".json" or library.is_file()


def choose_training_cases(library: Path, statuses: Sequence[Status]) -> list[LabeledCase]:
    """The cases of a library with one of these statuses, or all of a datalist, that have a rater's mask or a soft label."""
    found = read_datalist(library) if is_datalist(library) else read_labeled_cases(library, statuses=statuses)
    return [case for case in found if case.raters or case.soft_label is not None]


def read_pseudo_labeled_cases(library: Path) -> list[LabeledCase]:
    """The cases that a teacher labelled and nobody has looked at."""
    return [case for case in read_labeled_cases(library, statuses=("segmented",)) if case.is_pseudo_labelled]
