"""The ``evaluate`` job: predictions against truth, to metrics.json, metrics.csv and figures."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from MSSoftSegLib.evaluation.case_metrics import TRUTH_THRESHOLD, measure_case
from MSSoftSegLib.evaluation.summary import MeasuredCase, summarize
from MSSoftSegLib.exam.label_doubts import LARGEST_SHARE_OF_BRAIN
from MSSoftSegLib.jobs.documents.evaluate import EvaluateJob, EvaluateSpec
from MSSoftSegLib.jobs.evaluate.inputs import CaseArrays, content_sha256, read_case
from MSSoftSegLib.jobs.evaluate.table import GivenCase, read_table
from MSSoftSegLib.jobs.evaluate.writing import BOOTSTRAP_SEED, CaseChecksums, make_document, write_csv
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.report.evaluation_figures import draw_figures
from MSSoftSegLib.report.metrics_document import FILE_NAME
from MSSoftSegLib.result_folder import check_target, write_completely

LOGGER = logging.getLogger(__name__)
SHARES = {"measuring": 20.0, "figures": 2.0, "writing": 1.0}
DEFAULT_THRESHOLD = 0.5


def run_evaluate(job: EvaluateJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the folder with the numbers and figures."""
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    files = _cases(spec)
    inputs = [path for case in files for path in case.paths] + ([spec.table] if spec.table is not None else [])
    check_target(spec.out, overwrite=spec.overwrite, inputs=inputs)
    cases, checksums, warnings = _measured(files, spec, reporter)
    for warning in warnings:
        LOGGER.warning("%s", warning)
    summary = summarize(cases, seed=BOOTSTRAP_SEED)
    cut = any(case.prediction is None for case in files)
    threshold = _threshold(spec) if cut else None
    facts = make_document(spec, cases, checksums, summary, threshold=threshold, warnings=warnings)
    reporter.progress("figures", 0.0)
    figures = draw_figures(cases)
    reporter.progress("writing", 0.0)
    with write_completely(spec.out, overwrite=spec.overwrite) as folder:
        (folder / FILE_NAME).write_text(facts.model_dump_json(indent=2) + "\n", encoding="utf-8")
        write_csv(folder / "metrics.csv", cases)
        (folder / "figures").mkdir()
        for name, png in figures.items():
            (folder / "figures" / f"{name}.png").write_bytes(png)
    reporter.progress("writing", 1.0)
    told = {"cases": summary.cases, "vc": summary.vc, "isbi_equivalent": summary.isbi_equivalent}
    means = {name: facts.summary.means[name].model_dump() for name in ("dsc", "ltpr", "lfpr", "lesion_f1")}
    reporter.result(spec.out.name, {**told, **means, "figures": sorted(figures)})
    return spec.out


def _cases(spec: EvaluateSpec) -> tuple[GivenCase, ...]:
    if spec.table is not None:
        return read_table(spec.table)
    only = GivenCase(spec.case, spec.case, spec.truth, spec.prediction, spec.probability, spec.entropy, spec.brain)
    return (only,)


def _threshold(spec: EvaluateSpec) -> float:
    return DEFAULT_THRESHOLD if spec.threshold is None else spec.threshold


def _measured(
    files: tuple[GivenCase, ...], spec: EvaluateSpec, reporter: Reporter
) -> tuple[list[MeasuredCase], list[CaseChecksums], list[str]]:
    """Every case against each of its raters; only the numbers of a case stay in memory."""
    cases, checksums, warnings = [], [], _warnings_about_brains(files)
    answers: dict[str, str] = {}
    for number, case in enumerate(files):
        reporter.progress("measuring", number / len(files), case.case)
        arrays = read_case(case, threshold=_threshold(spec), possible=spec.possible)
        raters = tuple(
            measure_case(
                truth,
                arrays.prediction,
                arrays.probability,
                arrays.entropy,
                arrays.brain,
                arrays.spacing_mm,
                connectivity=spec.connectivity,
                min_lesion_voxels=spec.min_lesion_voxels,
            )
            for truth in arrays.truths
        )
        cases.append(MeasuredCase(case.case, case.patient, raters))
        brain = content_sha256(arrays.brain != 0) if arrays.brain is not None else None
        checksums.append(CaseChecksums(tuple(content_sha256(truth) for truth in arrays.truths), brain))
        warnings += _warnings_about(case.case, arrays)
        if arrays.prediction.any():
            answers[case.case] = " ".join((*checksums[-1].truths, content_sha256(arrays.prediction)))
    warnings += _warnings_about_pairs(answers)
    return cases, checksums, warnings


def _warnings_about(case: str, arrays: CaseArrays) -> list[str]:
    """What a careful reader of a case's numbers should know."""
    found = [f"case {case}: {doubt}" for doubt in dict.fromkeys(arrays.doubts)]
    brain = None if arrays.brain is None else arrays.brain != 0
    if brain is not None and brain.all():
        found.append(f"case {case}: the brain mask marks every voxel of the image: is it one of the field of view?")
        brain = None
    masks = {f"rater {n}": truth >= TRUTH_THRESHOLD for n, truth in enumerate(arrays.truths, start=1)}
    for whose, mask in {**masks, "the prediction": arrays.prediction != 0}.items():
        share = float((mask if brain is None else mask[brain]).mean())
        if share > LARGEST_SHARE_OF_BRAIN:
            where = "all voxels" if brain is None else "the brain"
            found.append(f"case {case}: {share:.0%} of {where} are lesion of {whose}: is that mask inverted?")
    if any(truth.any() and np.array_equal(truth, arrays.prediction) for truth in arrays.truths):
        found.append(f"case {case}: the prediction is a truth, voxel by voxel: is it the right file?")
    if arrays.probability is not None and _is_turned(arrays.probability, arrays.prediction != 0):
        found.append(
            f"case {case}: the probability is lower inside the prediction than outside: is it inverted, or another case's?"
        )
    for number, truth in enumerate(arrays.truths, start=1):
        highest = float(truth.max())
        if 0 < highest < TRUTH_THRESHOLD:
            found.append(
                f"case {case}: the truth of rater {number} is nowhere above {highest:.2g}, and counts as a mask of nothing "
                f"(cut at {TRUTH_THRESHOLD:g}): was it scaled?"
            )
    for number, truth in enumerate(arrays.truths, start=1):
        outside = int(((truth >= TRUTH_THRESHOLD) & (arrays.brain == 0)).sum()) if arrays.brain is not None else 0
        if outside:
            found.append(f"case {case}: {outside} lesion voxels of rater {number} lie outside the brain mask")
    return found


def _is_turned(probability: np.ndarray, prediction: np.ndarray) -> bool:
    """Whether a probability speaks against the mask that should have been made of it."""
    if not prediction.any() or prediction.all():
        return False
    return float(probability[prediction].mean()) < float(probability[~prediction].mean())


def _warnings_about_pairs(answers: Mapping[str, str]) -> list[str]:
    """Cases that are one case under two names; answers: what truths and prediction are, by case."""
    seen: dict[str, str] = {}
    pairs = [(seen.setdefault(answer, case), case) for case, answer in answers.items()]
    return [
        f"the cases {one} and {other} have the same truth and the same prediction"
        for one, other in pairs
        if one != other
    ]


def _warnings_about_brains(files: tuple[GivenCase, ...]) -> list[str]:
    names = [case.case for case in files if case.brain is None]
    if not names:
        return []
    which = f"case {names[0]}" if len(names) == 1 else f"{len(names)} of {len(files)} cases"
    return [f"there is no brain mask for {which}: nDSC, ECE, Brier, R-AAC and error AUROC are not measured there"]
