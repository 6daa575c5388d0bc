"""Adapting a model to a real department with 1, 3 and 5 approved patients, judged on four others of the same department.

    python Benchmarks/department.py --data DATA --folder FOLDER

DATA holds open_ms, catania and tabriz (MS3SEG, clinical routine, slices of 6.4 to 8.1 mm). What is adapted is the judged model
that has seen nobody of Tabriz, as ``python -m MSSoftSegLib.training.shipped --judge`` trains it (an hour of one core), or that of
--init. The recipe is mssoftseg-adapt, through the ``train`` job, as a user runs it. Writes department.md to Benchmarks/results;
FOLDER keeps runs and models, a second call takes up what is there.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from MSSoftSegLib.inference.device import Device, choose_device
from MSSoftSegLib.jobs.evaluate.model_scoring import load_model, score_case
from MSSoftSegLib.jobs.run import parse_job, run
from MSSoftSegLib.library.datalist import write_datalist
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.network.catalog import find_bundle
from MSSoftSegLib.training.shipped.cohort import build_cohort
from MSSoftSegLib.training.shipped.judging import write_judged_bundle
from MSSoftSegLib.training.shipped.plan import FULL
from MSSoftSegLib.training.shipped.real_exams import find_real_exams
from MSSoftSegLib.training.shipped.stages import ShippedRun
from MSSoftSegLib.training.shipped.withheld import withhold_each_center

RESULTS = Path(__file__).parent / "results"
# Every second patient, so that both halves hold complete and incomplete exams. Nothing was chosen by its outcome.
APPROVED = ("tabriz-t01", "tabriz-t03", "tabriz-t05", "tabriz-t07", "tabriz-t09")
JUDGED = ("tabriz-t02", "tabriz-t04", "tabriz-t06", "tabriz-t08")
COUNTS = (1, 3, 5)
MEASURES = ("dsc", "lesion_f1", "ece_lesion")
Scores = dict[str, dict[str, float | None]]


@dataclass(frozen=True)
class Adapted:
    """One model: approved patients, scores by judged exam, seconds of training, and what was said of its operating point."""

    approved: int
    scores: Scores
    seconds: float
    point: str
    forgotten: tuple[str, ...] = ()

    def mean(self, name: str) -> float:
        """Over the judged patients; a patient's visits count together as one."""
        patients: dict[str, list[float]] = {}
        for exam, scores in self.scores.items():
            value = scores[name]
            if value is not None:
                patients.setdefault(exam.removesuffix("-visit1").removesuffix("-visit2"), []).append(value)
        return sum(sum(values) / len(values) for values in patients.values()) / len(patients)


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--init", type=Path, help="a bundle that has seen nobody of Tabriz; trained where none is given"
    )
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args(arguments)
    device = choose_device("cpu")
    cases = [exam.case for exam in find_real_exams(given.data) if exam.center == "tabriz"]
    judged = [case for case in cases if case.patient in JUDGED]
    given.init = given.init or train_without_tabriz(given.data, given.folder / "base")
    models = [Adapted(0, _scored(given.init, judged, device), 0.0, "its own")]
    _say(models[0])
    for count in COUNTS:
        approved = [case for case in cases if case.patient in APPROVED[:count]]
        models.append(_adapted(count, approved, judged, given, device))
        _say(models[-1])
        (given.out / "department.md").write_text(_page(models), encoding="utf-8")


def train_without_tabriz(data: Path, folder: Path) -> Path:
    """The bundle of the judged model that has seen nobody of Tabriz; what an earlier call trained is taken up."""
    exams = find_real_exams(data)
    tabriz = next(part for part in withhold_each_center(exams) if part.name == "tabriz")
    cohort = build_cohort(data, folder / "cohort", FULL.cohort, FULL.recipe(FULL.judged[0]))
    run = ShippedRun(FULL, FULL.judged, tuple(cohort), folder, without=tabriz)
    run.train()
    return write_judged_bundle(run)


def _scored(model: Path, judged: list[LabeledCase], device: Device) -> Scores:
    loaded = load_model(find_bundle(str(model)))
    return {case.case: score_case(case, loaded, device, tta="none") for case in judged}


def _adapted(
    count: int, approved: list[LabeledCase], judged: list[LabeledCase], given: argparse.Namespace, device: Device
) -> Adapted:
    """Train on the approved patients, or take up the model that an earlier call made, and score it on the others."""
    out = given.folder / f"adapted-{count}"
    given.folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    if not (out / "model.json").is_file():
        spec = {
            "library": str(write_datalist(approved, given.folder / f"cases-{count}.json")),
            "recipe": "mssoftseg-adapt",
            "out": str(out),
            "init": str(given.init),
            "device": "cpu",
            "prepared": str(given.folder / "prepared"),
            "resume": out.with_name(f"{out.name}.run").exists(),
        }
        outcome = run(parse_job({"job": f"department-{count}", "kind": "train", "spec": spec}), lambda event: None)
        if outcome.error is not None:
            sys.exit(f"error: {outcome.error}")
    seconds = time.monotonic() - began
    facts: dict[str, Any] = find_bundle(str(out)).description.training["adaptation"]
    return Adapted(
        count, _scored(out, judged, device), seconds, facts["operating_point"], tuple(facts["base"]["forgotten"])
    )


def _page(models: list[Adapted]) -> str:
    lines = [
        "# Adaptation to a real department",
        "",
        "`python Benchmarks/department.py --data DATA --folder FOLDER`: patients of Tabriz (MS3SEG), clinical",
        f"routine, slices of 6.4 to 8.1 mm. Approved: the first of {', '.join(APPROVED)}; judged: {', '.join(JUDGED)},",
        "on FLAIR's native voxels, without test-time augmentation. The model that is adapted has seen nobody of Tabriz.",
        "",
        "| approved patients | DSC (each judged exam) | lesion F1 | calibration error near lesions | training |",
        "|---|---|---|---|---|",
        *(_row(model) for model in models),
        "",
        *(f"- {model.approved} approved: operating point {model.point}." for model in models),
        *(f"- {model.approved} approved, forgotten: {each}." for model in models for each in model.forgotten),
    ]
    return "\n".join([*lines, ""])


def _row(model: Adapted) -> str:
    each = ", ".join(f"{scores['dsc']:.3f}" for scores in model.scores.values())
    return (
        f"| {model.approved} | **{model.mean('dsc'):.3f}** ({each}) | {model.mean('lesion_f1'):.3f} |"
        f" {model.mean('ece_lesion'):.3f} | {model.seconds / 60:.0f} min |"
    )


def _say(model: Adapted) -> None:
    means = ", ".join(f"{name} {model.mean(name):.3f}" for name in MEASURES)
    sys.stdout.write(f"{model.approved} approved: {means}; {model.seconds:.0f} s; {model.point}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
