"""The table of ``shipped_variants.py``: means with their n, and paired differences from the soft-label variant."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from variants_cohort import HELD_OUT

from MSSoftSegLib.evaluation.comparison import paired_difference

BASE = "soft"
MEASURES = {"dsc": "DSC", "lesion_f1": "lesion F1", "soft_dice": "soft Dice", "ece": "ECE near lesions"}
BOOTSTRAP_SEED = 1
HEADER = """# What each choice behind the shipped model is worth

`python Benchmarks/shipped_variants.py ../shared/data/open_ms --run runs/variants` on {machine}.

Every variant learned from the same 64 synthetic patients, from random weights, on one core; without test-time augmentation.
In use the 3D networks look through overlapping windows: ours as the shipped model does, `barilan-sl-small` through its patch.
The student learned from the raw exams too, with the labels of `soft` of the same seed. The threshold is the one that suits 8
other synthetic patients best. These are short courses: they compare variants, they do not show what the shipped model can do
(see its card).
"""


def write_table(run: Path, path: Path) -> None:
    """All results of a run's folder as one Markdown file."""
    results = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(run.glob("*-*.json"))]
    names = list(dict.fromkeys(result["variant"] for result in results))
    lines = [HEADER.format(machine=f"{platform.system()}, {platform.machine()}"), "## Synthetic test patients", ""]
    lines += ["| variant | seeds | steps | minutes | " + " | ".join(MEASURES.values()) + " |", "|" + "---|" * 8]
    for name in names:
        own = [result for result in results if result["variant"] == name]
        means = [f"{np.nanmean(_by_case(own, measure, real=False)[1]):.3f}" for measure in MEASURES]
        minutes = "/".join(f"{result['seconds'] / 60:.0f}" for result in own)
        lines.append(f"| {name} | {len(own)} | {own[0]['steps']} | {minutes} | " + " | ".join(means) + " |")
    lines += ["", *_differences(results, names), "", *_real(results)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _differences(results: Sequence[dict[str, Any]], names: Sequence[str]) -> list[str]:
    """Variant − soft, patient by patient over the mean of the seeds that both were trained with."""
    lines = ["## Difference from `soft`, paired by patient (mean over common seeds), 95 % bootstrap interval", ""]
    lines += ["| variant | n | seeds | " + " | ".join(MEASURES.values()) + " |", "|" + "---|" * 7]
    for name in names:
        if name == BASE:
            continue
        seeds = {r["seed"] for r in results if r["variant"] == name} & {
            r["seed"] for r in results if r["variant"] == BASE
        }
        ours = [r for r in results if r["variant"] == name and r["seed"] in seeds]
        base = [r for r in results if r["variant"] == BASE and r["seed"] in seeds]
        if not seeds:
            continue
        cells = []
        for measure in MEASURES:
            cases, second = _by_case(ours, measure, real=False)
            _, first = _by_case(base, measure, real=False)
            found = paired_difference(
                first, second, patients=cases, rng=np.random.default_rng(BOOTSTRAP_SEED)
            ).difference
            cells.append(f"{found.mean:+.3f} ({found.low:+.3f} to {found.high:+.3f})")
        lines.append(f"| {name} | {len(cases)} | {len(seeds)} | " + " | ".join(cells) + " |")
    return lines


def _real(results: Sequence[dict[str, Any]]) -> list[str]:
    lines = [f"## The real labelled exam ({HELD_OUT}, n = 1: no interval can be given)", ""]
    lines += ["| variant | seed | threshold | " + " | ".join(MEASURES.values()) + " |", "|" + "---|" * 7]
    for result in results:
        score = next(each for each in result["scores"] if each["case"] == HELD_OUT)
        cells = [f"{score[measure]:.3f}" for measure in MEASURES]
        lines.append(f"| {result['variant']} | {result['seed']} | {result['threshold']} | " + " | ".join(cells) + " |")
    return lines


def _by_case(results: Sequence[dict[str, Any]], measure: str, *, real: bool) -> tuple[list[str], list[float]]:
    """Cases, and the mean of a measure over the results (seeds)."""
    cases = [score["case"] for score in results[0]["scores"] if (score["case"] == HELD_OUT) == real]
    by_case = {case: [s[measure] for r in results for s in r["scores"] if s["case"] == case] for case in cases}
    return cases, [float(np.mean([np.nan if value is None else value for value in by_case[case]])) for case in cases]
