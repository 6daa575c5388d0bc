"""Every mean comes with its n and a bootstrap 95 % interval; visits of one patient are not independent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.95
RESAMPLES = 2000


@dataclass(frozen=True)
class MeanWithInterval:
    """Mean of n values and the percentile bootstrap interval around it.

    mean is None for n = 0; low and high are None with fewer than two patients: one patient says nothing about others.
    """

    mean: float | None
    n: int
    low: float | None
    high: float | None


def mean_with_interval(
    values: Sequence[float | None],
    *,
    rng: np.random.Generator,
    patients: Sequence[str] | None = None,
    resamples: int = RESAMPLES,
) -> MeanWithInterval:
    """Mean over the values that are not None, and its interval from resampling patients with replacement.

    patients: whose each value is (default: one patient a value); all values of a drawn patient are drawn together.
    Source: Efron and Tibshirani 1993, percentile interval.
    """
    owners = [str(index) for index in range(len(values))] if patients is None else list(patients)
    defined = [(owner, value) for owner, value in zip(owners, values, strict=True) if value is not None]
    if not defined:
        return MeanWithInterval(None, 0, None, None)
    number = {owner: index for index, owner in enumerate(dict.fromkeys(owner for owner, _ in defined))}
    index = np.array([number[owner] for owner, _ in defined])
    numbers = np.array([value for _, value in defined], dtype=float)
    mean = float(numbers.mean())
    if len(number) < 2:
        return MeanWithInterval(mean, numbers.size, None, None)
    total, count = np.bincount(index, weights=numbers), np.bincount(index)
    drawn = rng.integers(0, len(number), (resamples, len(number)))
    means = total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return MeanWithInterval(mean, numbers.size, float(low), float(high))
