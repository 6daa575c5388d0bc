"""Many cases in a few numbers: means with n and interval, volume correlation, ISBI-equivalent, detection by size.

Raters are told apart by their place (first, second …). A case's value is the mean over its raters where it is defined; VC
and the ISBI score are computed against each rater over all cases, then averaged over the raters (Docs/methods.md section 6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from MSSoftSegLib.evaluation.bootstrap import MeanWithInterval, mean_with_interval
from MSSoftSegLib.evaluation.case_metrics import MEASURES, CaseMetrics
from MSSoftSegLib.evaluation.isbi import isbi_equivalent, isbi_s
from MSSoftSegLib.evaluation.lesionwise import SizeDetection, pool_by_size
from MSSoftSegLib.evaluation.volume import BlandAltman, bland_altman, volume_correlation


@dataclass(frozen=True)
class MeasuredCase:
    """One case, measured against each of its raters in order; patient: the same for all visits of one person."""

    case: str
    patient: str
    raters: tuple[CaseMetrics, ...]

    @property
    def values(self) -> dict[str, float | None]:
        """Each measure's mean over the raters for whom it is defined; None where it is for none."""
        return {name: _mean([rater.values[name] for rater in self.raters]) for name in MEASURES}


@dataclass(frozen=True)
class RaterSummary:
    """Over the cases that have this rater (1 = first): means, volume correlation, the challenge's S, detection by size."""

    rater: int
    cases: int
    means: Mapping[str, MeanWithInterval]
    vc: float | None
    isbi_s: float | None
    by_size: tuple[SizeDetection, ...]


@dataclass(frozen=True)
class Summary:
    """Over all cases. means: of the values that are averaged over a case's raters. vc: 'None for one case', never 1."""

    cases: int
    patients: int
    means: Mapping[str, MeanWithInterval]
    vc: float | None
    isbi_equivalent: float | None
    volume_agreement: BlandAltman
    raters: tuple[RaterSummary, ...]


def summarize(cases: Sequence[MeasuredCase], *, seed: int) -> Summary:
    """Summarize at least one case; seed: of the bootstrap, every measure starts from it."""
    if not cases:
        raise ValueError("there is no case to summarize")
    patients = [case.patient for case in cases]
    values = [case.values for case in cases]
    number_of_raters = max(len(case.raters) for case in cases)
    raters = tuple(_rater_summary(cases, place, seed=seed) for place in range(number_of_raters))
    vcs = [rater.vc for rater in raters]
    return Summary(
        cases=len(cases),
        patients=len(set(patients)),
        means=_means(values, patients, seed=seed),
        vc=None if None in vcs else _mean(vcs),
        isbi_equivalent=isbi_equivalent([rater.isbi_s for rater in raters]),
        volume_agreement=bland_altman(_volumes(values, "truth_volume_ml"), _volumes(values, "predicted_volume_ml")),
        raters=raters,
    )


def _rater_summary(cases: Sequence[MeasuredCase], place: int, *, seed: int) -> RaterSummary:
    seen = [case for case in cases if place < len(case.raters)]
    values = [case.raters[place].values for case in seen]
    means = _means(values, [case.patient for case in seen], seed=seed)
    vc = volume_correlation(_volumes(values, "truth_volume_ml"), _volumes(values, "predicted_volume_ml"))
    return RaterSummary(
        rater=place + 1,
        cases=len(seen),
        means=means,
        vc=vc,
        isbi_s=isbi_s(vc=vc, **{name: means[name].mean for name in ("dsc", "ppv", "lfpr", "ltpr")}),
        by_size=pool_by_size([case.raters[place].by_size for case in seen]),
    )


def _means(
    values: Sequence[Mapping[str, float | None]], patients: Sequence[str], *, seed: int
) -> dict[str, MeanWithInterval]:
    # A generator for each measure: a new measure does not change the intervals of the others.
    return {
        name: mean_with_interval([case[name] for case in values], patients=patients, rng=np.random.default_rng(seed))
        for name in MEASURES
    }


def _volumes(values: Sequence[Mapping[str, float | None]], name: str) -> list[float]:
    return [volume for case in values if (volume := case[name]) is not None]


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if defined else None
