"""Two methods on the same cases: paired differences, which say more than two means with overlapping intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from MSSoftSegLib.evaluation.bootstrap import MeanWithInterval, mean_with_interval


@dataclass(frozen=True)
class PairedDifference:
    """One measure over the n cases where it is defined for both methods.

    first_mean, second_mean: over these cases. difference: second − first with its bootstrap interval (by patient).
    wilcoxon_p: two-sided signed-rank test on the patients' mean differences (visits of one patient are not independent),
    differences of zero left out; None where none is left. It is not corrected for the number of measures tested.
    """

    n: int
    first_mean: float | None
    second_mean: float | None
    difference: MeanWithInterval
    wilcoxon_p: float | None


def paired_difference(
    first: Sequence[float | None],
    second: Sequence[float | None],
    *,
    patients: Sequence[str],
    rng: np.random.Generator,
) -> PairedDifference:
    """Compare one measure of two methods, case by case in the same order."""
    both = [
        (patient, a, b)
        for patient, a, b in zip(patients, first, second, strict=True)
        if a is not None and b is not None
    ]
    owners, differences = [patient for patient, _, _ in both], [b - a for _, a, b in both]
    return PairedDifference(
        n=len(both),
        first_mean=float(np.mean([a for _, a, _ in both])) if both else None,
        second_mean=float(np.mean([b for _, _, b in both])) if both else None,
        difference=mean_with_interval(differences, patients=owners, rng=rng),
        wilcoxon_p=_wilcoxon_p(differences, owners),
    )


def _wilcoxon_p(differences: Sequence[float], patients: Sequence[str]) -> float | None:
    by_patient: dict[str, list[float]] = {}
    for patient, difference in zip(patients, differences, strict=True):
        by_patient.setdefault(patient, []).append(difference)
    means = np.array([np.mean(values) for values in by_patient.values()])
    moved = means[means != 0]
    return float(stats.wilcoxon(moved).pvalue) if moved.size else None
