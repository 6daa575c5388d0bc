"""Which exams a person should look at first, and why: what the quality checks said, and what is unlike the rest of the cohort."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from MSSoftSegLib.cohort.group.exam_rows import MEASURES, ExamRow

# Iglewicz and Hoaglin 1993: modified z = 0.6745 (x − median) / MAD, an outlier beyond 3.5.
NORMAL_MAD = 0.6745
OUTLIER_FROM = 3.5
# Of fewer exams nothing is usual yet.
FEWEST_EXAMS = 5
IN_WORDS = {
    "lesions": "number of lesions",
    "volume_ml": "lesion volume",
    "mean_entropy_nats": "entropy in lesions",
    "psu": "structural uncertainty",
}
# Counts and volumes of a cohort are skewed: they are compared as logarithms.
SKEWED = ("lesions", "volume_ml")
NOT_A_DOUBT = "image was given: the model works without it"
# What may differ in a sentence that is said of each contrast in turn.
OF_ONE_CONTRAST = re.compile(r"\b(FLAIR|T1|T2|PD)\b|\d[\d.]*")


@dataclass(frozen=True)
class Suspicion:
    """score: one for each reason, of however many contrasts it is said; reasons in words, the quality checks' own first.

    farthest: largest modified z of any measure, for the order of exams with as many reasons.
    """

    score: int
    reasons: tuple[str, ...]
    farthest: float


def suspicions(rows: Sequence[ExamRow]) -> dict[str, Suspicion]:
    """By name of exam. An exam without result comes before all others."""
    far = {name: modified_z(rows, name) for name in MEASURES}
    return {str(row.case): _of(row, {name: scores.get(str(row.case)) for name, scores in far.items()}) for row in rows}


def modified_z(rows: Sequence[ExamRow], name: str) -> dict[str, float]:
    """The modified z of one measure by name of exam; empty where there are too few exams, or most are equal."""
    values = {str(row.case): _compared(name, value) for row in rows if (value := row.measure(name)) is not None}
    if len(values) < FEWEST_EXAMS:
        return {}
    middle = median(values.values())
    spread = median(abs(value - middle) for value in values.values())
    return {} if spread == 0 else {case: NORMAL_MAD * (value - middle) / spread for case, value in values.items()}


def sort_by_suspicion(rows: Sequence[ExamRow], found: Mapping[str, Suspicion]) -> list[ExamRow]:
    """The rows in the order in which to look at them."""
    return sorted(rows, key=lambda row: (-found[str(row.case)].score, -found[str(row.case)].farthest, str(row.case)))


def _compared(name: str, value: float) -> float:
    return math.log1p(value) if name in SKEWED else value


def _of(row: ExamRow, far: Mapping[str, float | None]) -> Suspicion:
    if row.folder is None:
        return Suspicion(len(MEASURES) + 100, (row.problem,), math.inf)
    reasons = [text for text in row.warnings if NOT_A_DOUBT not in text]
    known = {name: z for name, z in far.items() if z is not None}
    reasons += [
        f"{IN_WORDS[name].capitalize()} is unusually {'high' if z > 0 else 'low'} for this cohort."
        for name, z in known.items()
        if abs(z) > OUTLIER_FROM
    ]
    score = len({OF_ONE_CONTRAST.sub("", text) for text in reasons})
    return Suspicion(score, tuple(reasons), max((abs(z) for z in known.values()), default=0.0))
