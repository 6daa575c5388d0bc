"""Who is withheld from a model that is judged: each center in turn, or the patients in folds."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from MSSoftSegLib.training.shipped.real_exams import RealExam

FOLDS = 4


@dataclass(frozen=True)
class Withheld:
    """Patients that a judged model never sees, with all their visits and all that is derived from their images."""

    name: str
    patients: frozenset[str]


def withhold_each_center(exams: Sequence[RealExam]) -> tuple[Withheld, ...]:
    """Every center once, in order of name: what to expect where nobody has been before."""
    centers = sorted({exam.center for exam in exams})
    return tuple(
        Withheld(center, frozenset(exam.patient for exam in exams if exam.center == center)) for center in centers
    )


def withhold_in_folds(exams: Sequence[RealExam], count: int = FOLDS) -> tuple[Withheld, ...]:
    """Every patient in one of ``count`` folds, each center dealt out over them: what to expect of a new patient at a known place.

    A center of one patient is unseen in her fold all the same. Fewer patients than folds give fewer folds.
    """
    patients = [patient for _, patient in sorted({(exam.center, exam.patient) for exam in exams})]
    dealt = [patients[first::count] for first in range(min(count, len(patients)))]
    return tuple(
        Withheld(f"fold-{number}-{_digest(fold)}", frozenset(fold)) for number, fold in enumerate(dealt, start=1)
    )


def _digest(patients: Sequence[str]) -> str:
    """Eight digits that are others for other patients: a run that goes on with one patient more must not take up a network that
    has seen whom it withholds now."""
    return hashlib.sha256("\n".join(patients).encode()).hexdigest()[:8]
