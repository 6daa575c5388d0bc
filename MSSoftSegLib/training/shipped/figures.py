"""What is said of each held-out exam, and of all of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from MSSoftSegLib.evaluation.bootstrap import mean_with_interval
from MSSoftSegLib.evaluation.calibration import expected_calibration_error, neighborhood
from MSSoftSegLib.evaluation.lesion_pairs import pair_lesions
from MSSoftSegLib.evaluation.lesionwise import detection, detection_by_size_of, detection_of
from MSSoftSegLib.evaluation.overlap import dice
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.network.operating_point import OperatingPoint
from MSSoftSegLib.training.shipped.held_out import HeldOutExam
from MSSoftSegLib.training.shipped.points import cut_lesions

MEASURES = ("dsc", "lesion_f1", "lesion_f1_18", "ece_near_lesions", "volume_ratio")
INTERVAL_SEED = 5


@dataclass(frozen=True)
class ExamFigures:
    """One exam on FLAIR's native grid. lesion_f1 counts 26-connected lesions, lesion_f1_18 18-connected ones; recall: found and
    all true lesions by size; ece_near_lesions: expected calibration error within 5 mm of true lesions."""

    case: str
    patient: str
    center: str
    slices_mm: float
    truth_ml: float
    dsc: float | None
    lesion_f1: float | None
    lesion_f1_18: float | None
    ece_near_lesions: float | None
    volume_ratio: float | None
    truth_lesions: int
    predicted_lesions: int
    recall: dict[str, tuple[int, int]]
    point: dict[str, float]


def measure_exam(exam: HeldOutExam, point: OperatingPoint) -> ExamFigures:
    """Measure one exam at an operating point."""
    probability = exam.probability(point.temperature)
    mask = cut_lesions(exam, probability, threshold=point.threshold, min_lesion_mm3=point.min_lesion_mm3)
    pairs = pair_lesions(exam.truth, mask, min_voxels=1, connectivity=26)
    found = detection_of(pairs)
    near = neighborhood(exam.truth, spacing_mm=exam.spacing_mm) & exam.brain
    sizes = detection_by_size_of(pairs, voxel_volume_mm3=exam.voxel_mm3)
    return ExamFigures(
        case=exam.case,
        patient=exam.patient,
        center=exam.center,
        slices_mm=round(exam.slices_mm, 2),
        truth_ml=float(exam.truth.sum() * exam.voxel_mm3 / MM3_PER_ML),
        dsc=dice(mask, exam.truth),
        lesion_f1=found.f1,
        lesion_f1_18=detection(exam.truth, mask, connectivity=18).f1,
        ece_near_lesions=expected_calibration_error(probability[near], exam.truth[near]),
        volume_ratio=float(mask.sum() / exam.truth.sum()) if exam.truth.any() else None,
        truth_lesions=found.truth_lesions,
        predicted_lesions=found.predicted_lesions,
        recall={entry.size: (entry.touched, entry.truth_lesions) for entry in sizes},
        point=point.model_dump(),
    )


def summarize_exams(figures: Sequence[ExamFigures]) -> dict[str, Any]:
    """Means over patients (a patient's visits are averaged first) with bootstrap intervals, over all and per center."""
    document = {"all": _means(figures)}
    for center in sorted({entry.center for entry in figures}):
        document[center] = _means([entry for entry in figures if entry.center == center])
    return document


def _means(figures: Sequence[ExamFigures]) -> dict[str, Any]:
    patients = sorted({entry.patient for entry in figures})
    found: dict[str, Any] = {"patients": len(patients), "exams": len(figures)}
    for name in MEASURES:
        values = [_mean([getattr(e, name) for e in figures if e.patient == patient]) for patient in patients]
        found[name] = asdict(mean_with_interval(values, rng=np.random.default_rng(INTERVAL_SEED)))
    ratios = [_mean([e.volume_ratio for e in figures if e.patient == patient]) for patient in patients]
    found["volume_within_0.8_1.25"] = sum(ratio is not None and 0.8 <= ratio <= 1.25 for ratio in ratios)
    return found


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def render_table(figures: Sequence[ExamFigures], summary: Mapping[str, Any]) -> str:
    """Markdown: a row per exam, then the means."""
    lines = [
        "| exam | slices | truth | DSC | lesion F1 (26) | F1 (18) | ECE near lesions | volume ratio | lesions true / found |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for entry in figures:
        lines.append(
            f"| {entry.case} | {entry.slices_mm:g} mm | {entry.truth_ml:.1f} ml | {_number(entry.dsc)} |"
            f" {_number(entry.lesion_f1)} | {_number(entry.lesion_f1_18)} | {_number(entry.ece_near_lesions, 3)} |"
            f" {_number(entry.volume_ratio)} | {entry.truth_lesions} / {entry.predicted_lesions} |"
        )
    for name, means in summary.items():
        cells = " | ".join(_with_interval(means[measure]) for measure in MEASURES)
        lines.append(f"| **{name}**, {means['patients']} patients | | | {cells} | |")
    return "\n".join(lines) + "\n"


def _with_interval(mean: Mapping[str, Any]) -> str:
    around = "" if mean["low"] is None else f" ({mean['low']:.3f} to {mean['high']:.3f})"
    return "–" if mean["mean"] is None else f"{mean['mean']:.3f}{around}"


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
