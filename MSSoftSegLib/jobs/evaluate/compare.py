"""The ``compare`` job: two results of ``evaluate`` on the same cases, as paired differences."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.evaluation.case_metrics import MEASURES
from MSSoftSegLib.evaluation.comparison import PairedDifference, paired_difference
from MSSoftSegLib.jobs.documents.evaluate import CompareJob
from MSSoftSegLib.jobs.evaluate.writing import BOOTSTRAP_SEED
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.report.metrics_document import MetricsDocument, read_metrics
from MSSoftSegLib.result_folder import check_target, write_completely
from MSSoftSegLib.version import VERSION

SHARES = {"comparing": 1.0, "writing": 1.0}
FILE_NAME = "comparison.json"
# Settings on which a number depends; one threshold against another is what a comparison may be about.
SAME_SETTINGS = ("connectivity", "min_lesion_voxels", "possible_lesion")
REMEDY = "evaluate both methods on the same cases, against the same truths, with the same settings"


def run_compare(job: CompareJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the folder with comparison.json and comparison.csv."""
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    check_target(spec.out, overwrite=spec.overwrite, inputs=[spec.first, spec.second])
    reporter.progress("comparing", 0.0)
    first, second = read_metrics(spec.first), read_metrics(spec.second)
    differences = compare_metrics(first, second)
    reporter.progress("writing", 0.0)
    facts: dict[str, Any] = {
        "schema_version": 1,
        "software_version": VERSION,
        "first": spec.first.absolute().name,
        "second": spec.second.absolute().name,
        "cases": len(first.cases),
        "patients": first.summary.patients,
        "note": "difference = second - first; wilcoxon_p is two-sided, by patient, not corrected for several measures",
        "measures": {name: dataclasses.asdict(difference) for name, difference in differences.items()},
    }
    with write_completely(spec.out, overwrite=spec.overwrite) as folder:
        (folder / FILE_NAME).write_text(json.dumps(facts, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        _write_csv(folder / "comparison.csv", differences)
    reporter.progress("writing", 1.0)
    reporter.result(spec.out.name, {"cases": facts["cases"], "dsc": facts["measures"]["dsc"]})
    return spec.out


def compare_metrics(first: MetricsDocument, second: MetricsDocument) -> dict[str, PairedDifference]:
    """Paired differences of every measure; RequestError where the two do not speak of the same cases and truths."""
    _check_comparable(first, second)
    other = {case.case: case for case in second.cases}
    patients = [case.patient for case in first.cases]
    return {
        name: paired_difference(
            [case.metrics.get(name) for case in first.cases],
            [other[case.case].metrics.get(name) for case in first.cases],
            patients=patients,
            rng=np.random.default_rng(BOOTSTRAP_SEED),
        )
        for name in MEASURES
    }


def _check_comparable(first: MetricsDocument, second: MetricsDocument) -> None:
    ours, theirs = {case.case for case in first.cases}, {case.case for case in second.cases}
    if ours != theirs:
        lone = sorted(ours ^ theirs)
        raise RequestError(
            f"the two evaluations are not of the same cases: {', '.join(lone[:5])}"
            f"{f' and {len(lone) - 5} more are' if len(lone) > 5 else ' is' if len(lone) == 1 else ' are'} in only one",
            remedy=REMEDY,
        )
    for name in SAME_SETTINGS:
        one, another = getattr(first.settings, name), getattr(second.settings, name)
        if one != another:
            raise RequestError(f"the two evaluations differ in {name}: {one} and {another}", remedy=REMEDY)
    other = {case.case: case for case in second.cases}
    for case in first.cases:
        match = other[case.case]
        if [rater.truth_sha256 for rater in case.raters] != [rater.truth_sha256 for rater in match.raters]:
            raise RequestError(f"case {case.case} was measured against different truths", remedy=REMEDY)
        if case.patient != match.patient:
            raise RequestError(f"case {case.case} belongs to different patients", remedy=REMEDY)
        if None not in (case.brain_sha256, match.brain_sha256) and case.brain_sha256 != match.brain_sha256:
            raise RequestError(f"case {case.case} was measured inside different brain masks", remedy=REMEDY)


def _write_csv(path: Path, differences: dict[str, PairedDifference]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["measure", "n", "first_mean", "second_mean", "difference", "low", "high", "wilcoxon_p"])
        for name, found in differences.items():
            mean = found.difference
            numbers = (found.first_mean, found.second_mean, mean.mean, mean.low, mean.high, found.wilcoxon_p)
            writer.writerow([name, found.n, *("" if number is None else repr(number) for number in numbers)])
