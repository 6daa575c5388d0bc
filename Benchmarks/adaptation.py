"""Adapting the shipped model to another scanner with 1, 3 and 5 cases: what is won there, and what is forgotten.

    python Benchmarks/adaptation.py --folder FOLDER

Digital patients of a scanner that the shipped model was not made for (``other_scanner.py``); those trained on and those tested on
have different seeds. The recipe is mssoftseg-adapt, through the ``train`` job, as a user runs it. Writes adaptation.md and
adaptation.png to Benchmarks/results; FOLDER keeps patients, runs and models, and a second call takes up what is there.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from other_scanner import other_scanner_patient

from MSSoftSegLib.inference.device import Device, choose_device
from MSSoftSegLib.jobs.evaluate.model_scoring import load_model, score_case
from MSSoftSegLib.jobs.run import parse_job, run
from MSSoftSegLib.library.datalist import write_datalist
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.network.catalog import SHIPPED_MODEL, find_bundle
from MSSoftSegLib.report.chart import BLUE, VERMILION, make_chart

RESULTS = Path(__file__).parent / "results"
TRAINING_SEEDS, TEST_SEEDS = (201, 202, 203, 204, 205), (301, 302, 303, 304)
CASES = (1, 3, 5)
RECIPE = "mssoftseg-adapt"
SHOWN = ("dsc", "lesion_f1", "ece_lesion")


@dataclass(frozen=True)
class Point:
    """One model: cases approved (0 = the shipped model), its scores per test patient, and of the base patients."""

    cases: int
    scores: tuple[dict[str, float | None], ...]
    base: dict[str, Any]
    course: str
    seconds: float

    def mean(self, name: str) -> float:
        """Over the test patients."""
        values = [score[name] for score in self.scores if score[name] is not None]
        return sum(value for value in values if value is not None) / len(values)


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="patients, runs and models are kept here")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args(arguments)
    device = choose_device("cpu")
    test = [_with_truth(seed, given.folder / "patients") for seed in TEST_SEEDS]
    shipped = Point(0, _scored(SHIPPED_MODEL, test, device), {}, "the shipped model", 0.0)
    points = [shipped]
    _say(shipped)
    for count in CASES:
        points.append(_adapted(count, test, given.folder, device))
        _say(points[-1])
        write_results(points, given.out)


def _with_truth(seed: int, folder: Path) -> LabeledCase:
    case, truth = other_scanner_patient(seed, folder)
    return replace(case, raters={"truth": truth})


def _scored(model: str, test: list[LabeledCase], device: Device) -> tuple[dict[str, float | None], ...]:
    loaded = load_model(find_bundle(model))
    return tuple(score_case(case, loaded, device, tta="none") for case in test)


def _adapted(count: int, test: list[LabeledCase], folder: Path, device: Device) -> Point:
    """Train on the first ``count`` patients and test."""
    cases = [other_scanner_patient(seed, folder / "patients")[0] for seed in TRAINING_SEEDS[:count]]
    out = folder / f"adapted-{count}"
    began = time.monotonic()
    if not (out / "model.json").is_file():
        listed = write_datalist(cases, folder / f"cases-{count}.json")
        spec = {
            **{"library": str(listed), "recipe": RECIPE, "out": str(out), "init": SHIPPED_MODEL, "device": "cpu"},
            **{"prepared": str(folder / "prepared"), "resume": out.with_name(f"{out.name}.run").exists()},
        }
        outcome = run(parse_job({"job": f"adapt-{count}", "kind": "train", "spec": spec}), _ignore)
        if outcome.error is not None:
            sys.exit(f"error: {outcome.error}")
    seconds = time.monotonic() - began
    facts = find_bundle(str(out)).description.training["adaptation"]
    return Point(count, _scored(str(out), test, device), facts["base"], facts["course"], seconds)


def write_results(points: list[Point], out: Path) -> None:
    """The table and the curve."""
    figure, axes = make_chart(
        f"Adaptation to another scanner (n = {len(TEST_SEEDS)} test patients, digital)",
        x="approved cases (0 = the shipped model)",
        y="DSC",
    )
    at = [point.cases for point in points]
    for number in range(len(TEST_SEEDS)):
        axes.plot(at, [point.scores[number]["dsc"] or 0.0 for point in points], color=BLUE, linewidth=0.6, alpha=0.5)
    axes.plot(at, [point.mean("dsc") for point in points], "o-", color=BLUE, label="other scanner, mean and patients")
    base = [points[1].base["dsc_before"], *(point.base["dsc_after"] for point in points[1:])]
    axes.plot(at, base, "s--", color=VERMILION, label=f"base patients, mean of {points[1].base['patients']}")
    axes.set_ylim(0, 1)
    axes.set_xticks(at)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    figure.savefig(out / "adaptation.png")
    (out / "adaptation.md").write_text(_page(points), encoding="utf-8")


def _page(points: list[Point]) -> str:
    first = points[1].base
    lines = [
        "# Few-case adaptation to another scanner",
        "",
        "`python Benchmarks/adaptation.py --folder FOLDER`. Digital patients, 1 × 1 × 3 mm, contrasts and noise of",
        "`Benchmarks/other_scanner.py`, aligned and brain-extracted by construction; for training two simulated raters",
        f"as soft union, for testing the true lesions; n = {len(TEST_SEEDS)} test patients, whose seeds no training has.",
        f"Without test-time augmentation, on FLAIR's native voxels. Shipped model: {SHIPPED_MODEL} {_version()}.",
        f"Base: {first['patients']} digital patients of other scanners, of the kind that",
        "was rehearsed (other seeds), which flatters the right-hand columns.",
        "",
        "| approved cases | DSC (each test patient) | lesion F1 | calibration error near lesions | base DSC | base lesion F1 |",
        "|---|---|---|---|---|---|",
        _row(points[0], first["dsc_before"], first["lesion_f1_before"]),
        *(_row(point, point.base["dsc_after"], point.base["lesion_f1_after"]) for point in points[1:]),
        "",
        *(f"- {point.course[0].upper()}{point.course[1:]}." for point in points[1:]),
    ]
    for point in points[1:]:
        lost = (
            f"- Beyond what is tolerated (a comparison then finds the model worse), with {point.cases} approved cases:"
        )
        lines += [f"{lost} {each}." for each in point.base["forgotten"]]
    return "\n".join([*lines, "", "![curve](adaptation.png)", ""])


def _version() -> str:
    return find_bundle(SHIPPED_MODEL).description.version


def _row(point: Point, base_dsc: float, base_f1: float) -> str:
    each = ", ".join(f"{score['dsc']:.3f}" for score in point.scores)
    f1, error = point.mean("lesion_f1"), point.mean("ece_lesion")
    return f"| {point.cases} | **{point.mean('dsc'):.3f}** ({each}) | {f1:.3f} | {error:.4f} | {base_dsc:.3f} | {base_f1:.3f} |"


def _say(point: Point) -> None:
    means = ", ".join(f"{name} {point.mean(name):.3f}" for name in SHOWN)
    sys.stdout.write(f"{point.cases} cases: {means}; {point.seconds:.0f} s; base {point.base}\n")
    sys.stdout.flush()


def _ignore(event: dict[str, Any]) -> None:
    if event["event"] in ("metric", "log") and event.get("name") != "loss":
        sys.stderr.write(f"{event}\n")


if __name__ == "__main__":
    main()
