"""The ``compare-models`` job: an old model and a new one on cases that neither learned from, and a verdict.

The verdict is kept in the user's models folder too, where ``promote-model`` looks for it.
"""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from MSSoftSegLib.evaluation.comparison import PairedDifference, paired_difference
from MSSoftSegLib.evaluation.verdict import Judged, judge_candidate
from MSSoftSegLib.inference.device import Device, choose_device
from MSSoftSegLib.jobs.documents.model_comparison import CompareModelsJob, CompareModelsSpec
from MSSoftSegLib.jobs.evaluate.model_comparison_cases import JudgedCase, LeftOut, choose_judging_cases
from MSSoftSegLib.jobs.evaluate.model_scoring import MEASURES, LoadedModel, load_model, score_case
from MSSoftSegLib.jobs.evaluate.writing import BOOTSTRAP_SEED
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.network.catalog import find_bundle, find_default_model, find_user_models_folder
from MSSoftSegLib.network.promotion import ModelJudgment, keep_judgment, read_clock
from MSSoftSegLib.result_folder import check_target, write_completely
from MSSoftSegLib.training.adaptation.base_patients import base_patients
from MSSoftSegLib.version import VERSION

LOGGER = logging.getLogger(__name__)
SHARES = {"models": 1.0, "base-patients": 20.0, "held-out": 50.0, "base": 20.0, "writing": 1.0}
FILE_NAME = "model_comparison.json"
NOTE = (
    "difference = second - first, 95 % bootstrap interval by patient; ece_lesion: expected calibration error within 5 mm of "
    "the truth's lesions; base: digital patients that neither model was adapted to; a case that the new model learned from is "
    "scored by a network of the same course that did not, with the new model's operating point"
)
Scores = dict[str, float | None]


@dataclass(frozen=True)
class ScoredCase:
    """One case with what each model scored on it."""

    case: str
    patient: str
    first: Scores
    second: Scores


def run_compare_models(job: CompareModelsJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the folder with model_comparison.json and model_comparison.csv."""
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    check_target(spec.out, overwrite=spec.overwrite, inputs=[spec.library])
    reporter.progress("models", 0.0)
    device = choose_device(spec.device)
    first, second = find_bundle(spec.first or find_default_model()), find_bundle(spec.second)
    cases, left_out = choose_judging_cases(spec, first, second)
    for one in left_out:
        LOGGER.warning("case %s does not judge: %s", one.case, one.reason)
    models = (load_model(first), load_model(second, spec.run))
    made = base_patients(
        "validation",
        spec.base_patients,
        spacing_mm=spec.base_spacing_mm,
        progress=lambda fraction: reporter.progress("base-patients", fraction),
    )
    held_out = _scored("held-out", cases, models, spec, device, reporter)
    base = _scored("base", [JudgedCase(case, None) for case in made], models, spec, device, reporter)
    differences, on_base = compare_scores(held_out), compare_scores(base)
    judged = judge_candidate(differences, on_base, patients=len({pair.patient for pair in held_out}))
    summary = _summary(models, held_out, base, differences, on_base, judged, left_out)
    reporter.progress("writing", 0.0)
    with write_completely(spec.out, overwrite=spec.overwrite) as folder:
        facts = {"schema_version": 1, "software_version": VERSION, "note": NOTE, "tta": spec.tta, **summary}
        (folder / FILE_NAME).write_text(json.dumps(facts, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        _write_csv(folder / "model_comparison.csv", held_out, base)
        # Before the folder is in place: who finds it there shall also find its verdict kept.
        keep_judgment(find_user_models_folder(), _judgment(models, judged, len(held_out)))
    reporter.progress("writing", 1.0)
    reporter.result(spec.out.name, summary)
    return spec.out


def compare_scores(pairs: Sequence[ScoredCase]) -> dict[str, PairedDifference]:
    """Paired differences (second − first) of every measure, resampled by patient."""
    return {
        name: paired_difference(
            [pair.first[name] for pair in pairs],
            [pair.second[name] for pair in pairs],
            patients=[pair.patient for pair in pairs],
            rng=np.random.default_rng(BOOTSTRAP_SEED),
        )
        for name in MEASURES
    }


def _scored(
    stage: str,
    cases: Sequence[JudgedCase],
    models: tuple[LoadedModel, LoadedModel],
    spec: CompareModelsSpec,
    device: Device,
    reporter: Reporter,
) -> list[ScoredCase]:
    pairs = []
    for number, judged in enumerate(cases):
        reporter.progress(stage, number / len(cases), judged.case.case)
        first, second = (
            score_case(judged.case, model, device, tta=spec.tta, members=members, cancelled=reporter.cancelled)
            for model, members in zip(models, (None, judged.members), strict=True)
        )
        pairs.append(ScoredCase(judged.case.case, judged.case.patient, first, second))
    reporter.progress(stage, 1.0)
    return pairs


def _summary(
    models: tuple[LoadedModel, LoadedModel],
    held_out: Sequence[ScoredCase],
    base: Sequence[ScoredCase],
    differences: Mapping[str, PairedDifference],
    on_base: Mapping[str, PairedDifference],
    judged: Judged,
    left_out: Sequence[LeftOut],
) -> dict[str, Any]:
    first, second = (model.bundle.description for model in models)
    return {
        "first": {"name": first.name, "version": first.version, "sha256": models[0].bundle.sha256},
        "second": {"name": second.name, "version": second.version, "sha256": models[1].bundle.sha256},
        "cases": len(held_out),
        "patients": len({pair.patient for pair in held_out}),
        "measures": _measures(differences),
        "per_case": [asdict(pair) for pair in held_out],
        "left_out": [asdict(one) for one in left_out],
        "base": {
            "patients": len(base),
            "measures": _measures(on_base),
            "per_case": [asdict(pair) for pair in base],
        },
        "verdict": judged.verdict,
        "reason": judged.reason,
    }


def _measures(differences: Mapping[str, PairedDifference]) -> dict[str, dict[str, float | int | None]]:
    return {
        name: {
            "first": found.first_mean,
            "second": found.second_mean,
            "difference": found.difference.mean,
            "low": found.difference.low,
            "high": found.difference.high,
            "n": found.n,
        }
        for name, found in differences.items()
    }


def _judgment(models: tuple[LoadedModel, LoadedModel], judged: Judged, cases: int) -> ModelJudgment:
    first, second = (model.bundle for model in models)
    return ModelJudgment(
        time=read_clock(),
        first=first.description.name,
        first_sha256=first.sha256,
        second=second.description.name,
        second_sha256=second.sha256,
        verdict=judged.verdict,
        reason=judged.reason,
        cases=cases,
    )


def _write_csv(path: Path, held_out: Sequence[ScoredCase], base: Sequence[ScoredCase]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["set", "case", "patient", *(f"{w}_{name}" for name in MEASURES for w in ("first", "second"))])
        for name, pairs in (("held-out", held_out), ("base", base)):
            for pair in pairs:
                numbers = [scores[measure] for measure in MEASURES for scores in (pair.first, pair.second)]
                shown = ["" if number is None else repr(number) for number in numbers]
                writer.writerow([name, pair.case, pair.patient, *shown])
