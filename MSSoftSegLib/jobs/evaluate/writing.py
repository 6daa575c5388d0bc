"""The files of an evaluation: metrics.json, metrics.csv (one row a case), figures."""

from __future__ import annotations

import csv
import dataclasses
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import scipy

from MSSoftSegLib.evaluation import bootstrap, calibration, case_metrics, normalized_dice
from MSSoftSegLib.evaluation.bootstrap import MeanWithInterval
from MSSoftSegLib.evaluation.case_metrics import MEASURES
from MSSoftSegLib.evaluation.empty_cases import make_policy_document
from MSSoftSegLib.evaluation.lesionwise import SizeDetection
from MSSoftSegLib.evaluation.summary import MeasuredCase, RaterSummary, Summary
from MSSoftSegLib.jobs.documents.evaluate import EvaluateSpec
from MSSoftSegLib.report import metrics_document as facts
from MSSoftSegLib.version import VERSION

BOOTSTRAP_SEED = 0
NOTES = (
    "A case's value is the mean over its raters where it is defined; each rater's own values stand beside it.",
    "vc and the ISBI score are computed against each rater over all cases, then averaged over the raters.",
    "isbi_equivalent = 100 - 28.35 (1 - S), fitted to published scores: not a score given by the challenge.",
    "lfpr is the share of predicted lesions that touch no lesion of the truth.",
    "A soft truth is cut at truth_threshold for masks, and taken as it is by soft_dice, ECE and Brier.",
    "hd95_mm, assd_mm: centers of voxels that share a face with the outside; the larger directed 95th percentile, the "
    "mean of all distances of both directions.",
    "null is undefined and left out of n; see empty_case_policy.",
)


@dataclasses.dataclass(frozen=True)
class CaseChecksums:
    """Voxel contents that decide what a case can be compared with."""

    truths: tuple[str, ...]
    brain: str | None


def make_document(
    spec: EvaluateSpec,
    cases: Sequence[MeasuredCase],
    checksums: Sequence[CaseChecksums],
    summary: Summary,
    *,
    threshold: float | None,
    warnings: Sequence[str],
) -> facts.MetricsDocument:
    """Everything that metrics.json says."""
    return facts.MetricsDocument(
        software=facts.MeasuringSoftware(
            version=VERSION, python=platform.python_version(), numpy=np.__version__, scipy=scipy.__version__
        ),
        settings=facts.SettingFacts(
            connectivity=spec.connectivity,
            min_lesion_voxels=spec.min_lesion_voxels,
            threshold=threshold,
            possible_lesion=spec.possible,
            truth_threshold=case_metrics.TRUTH_THRESHOLD,
            calibration_bins=calibration.DEFAULT_BINS,
            neighborhood_mm=calibration.NEIGHBORHOOD_MM,
            reference_prevalence=normalized_dice.REFERENCE_PREVALENCE,
            bootstrap_resamples=bootstrap.RESAMPLES,
            bootstrap_level=bootstrap.LEVEL,
            bootstrap_seed=BOOTSTRAP_SEED,
        ),
        empty_case_policy=make_policy_document(),
        notes=NOTES,
        summary=_summary(summary),
        cases=tuple(_case(case, sums) for case, sums in zip(cases, checksums, strict=True)),
        warnings=tuple(warnings),
    )


def write_csv(path: Path, cases: Sequence[MeasuredCase]) -> None:
    """One row a case, nothing else; an undefined value is an empty field. Every number reads back unchanged."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", *MEASURES, "patient", "raters"])
        for case in cases:
            values = case.values
            numbers = ["" if (value := values[name]) is None else repr(value) for name in MEASURES]
            writer.writerow([case.case, *numbers, case.patient, len(case.raters)])


def make_mean_facts(means: Mapping[str, MeanWithInterval]) -> dict[str, facts.MeanFacts]:
    """Means by name, as they are written."""
    return {name: facts.MeanFacts(**dataclasses.asdict(mean)) for name, mean in means.items()}


def _case(case: MeasuredCase, sums: CaseChecksums) -> facts.CaseFacts:
    return facts.CaseFacts(
        case=case.case,
        patient=case.patient,
        brain_sha256=sums.brain,
        metrics=case.values,
        raters=tuple(
            facts.RaterFacts(
                rater=number, truth_sha256=sha256, metrics=rater.values, detection_by_size=_sizes(rater.by_size)
            )
            for number, (rater, sha256) in enumerate(zip(case.raters, sums.truths, strict=True), start=1)
        ),
    )


def _summary(summary: Summary) -> facts.SummaryFacts:
    return facts.SummaryFacts(
        cases=summary.cases,
        patients=summary.patients,
        means=make_mean_facts(summary.means),
        vc=summary.vc,
        isbi_equivalent=summary.isbi_equivalent,
        volume_agreement=facts.VolumeAgreementFacts(**dataclasses.asdict(summary.volume_agreement)),
        raters=tuple(_rater_summary(rater) for rater in summary.raters),
    )


def _rater_summary(rater: RaterSummary) -> facts.RaterSummaryFacts:
    return facts.RaterSummaryFacts(
        rater=rater.rater,
        cases=rater.cases,
        means=make_mean_facts(rater.means),
        vc=rater.vc,
        isbi_s=rater.isbi_s,
        detection_by_size=_sizes(rater.by_size),
    )


def _sizes(sizes: Sequence[SizeDetection]) -> tuple[facts.SizeFacts, ...]:
    return tuple(facts.SizeFacts(**dataclasses.asdict(size)) for size in sizes)
