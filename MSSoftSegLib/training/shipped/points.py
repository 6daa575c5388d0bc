"""Operating points per kind of acquisition, chosen for DSC and lesion F1 together on exams that the networks never saw."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from MSSoftSegLib.evaluation.lesionwise import detection
from MSSoftSegLib.evaluation.overlap import dice
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.network.operating_point import AcquisitionPoint, OperatingPoint, find_acquisition
from MSSoftSegLib.training.engine.operating_point import TEMPERATURES
from MSSoftSegLib.training.shipped.held_out import HeldOutExam

# From here on FLAIR counts as thick: 2D protocols begin there.
THICK_FROM_MM = 2.5
THRESHOLDS = tuple(round(0.20 + 0.05 * step, 2) for step in range(14))
SMALLEST_LESIONS_MM3 = (3.0, 6.0, 9.0, 12.0, 18.0, 27.0)


def is_thick(exam: HeldOutExam) -> bool:
    """Whether an exam is of the thick kind."""
    return exam.slices_mm >= THICK_FROM_MM


def choose_point(exams: Sequence[HeldOutExam]) -> OperatingPoint:
    """Temperature with the lowest cross entropy in the brain, then threshold and smallest lesion with the highest mean of DSC
    and lesion F1 (26-connected); patients weigh alike, whatever the number of their visits."""
    temperature = _temperature(exams)
    gains: dict[tuple[float, float], list[tuple[float, float]]] = {}
    for exam in exams:
        weight = 1 / sum(other.patient == exam.patient for other in exams)
        for cut, gain in _gains(exam, temperature).items():
            gains.setdefault(cut, []).append((weight, gain))
    best = max(gains, key=lambda cut: sum(weight * gain for weight, gain in gains[cut]))
    return OperatingPoint(temperature=temperature, threshold=best[0], min_lesion_mm3=best[1])


def choose_cross_fitted_point(exam: HeldOutExam, exams: Sequence[HeldOutExam]) -> OperatingPoint:
    """The point for an exam, chosen on the other patients of its kind; on all other patients where its kind has no other."""
    others = [other for other in exams if other.patient != exam.patient]
    return choose_point([other for other in others if is_thick(other) == is_thick(exam)] or others)


def choose_acquisition_points(exams: Sequence[HeldOutExam]) -> tuple[AcquisitionPoint, ...]:
    """The points that ship: one for thin slices, one for thick ones, each on all patients of its kind."""
    points = []
    for slices_mm_from, thick in ((0.0, False), (THICK_FROM_MM, True)):
        kind = [exam for exam in exams if is_thick(exam) == thick]
        if not kind:
            continue
        patients = len({exam.patient for exam in kind})
        words = f"chosen on {patients} patient{'s' if patients > 1 else ''} whom the networks had not seen"
        point = choose_point(kind)
        points.append(AcquisitionPoint(**point.model_dump(), slices_mm_from=slices_mm_from, chosen_on=words))
    return tuple(points)


def state_lesion_free_ml(
    points: Sequence[AcquisitionPoint], found: Sequence[tuple[float, float]]
) -> tuple[AcquisitionPoint, ...]:
    """The points with what was found in brains without lesions. found: (distance of FLAIR's slices in mm, false ml) of each."""
    stated = []
    for point in points:
        theirs = [ml for slices_mm, ml in found if find_acquisition(points, slices_mm) is point]
        most = round(float(np.median(theirs)), 2) if theirs else None
        stated.append(point.model_copy(update={"lesion_free_ml": most}))
    return tuple(stated)


@cache
def _gains(exam: HeldOutExam, temperature: float) -> dict[tuple[float, float], float]:
    """Mean of DSC and lesion F1 at every threshold and smallest lesion."""
    probability = exam.probability(temperature)
    found = {}
    for threshold in THRESHOLDS:
        for smallest in SMALLEST_LESIONS_MM3:
            mask = cut_lesions(exam, probability, threshold=threshold, min_lesion_mm3=smallest)
            found[threshold, smallest] = 0.5 * (
                (dice(mask, exam.truth) or 0.0) + (detection(exam.truth, mask).f1 or 0.0)
            )
    return found


def cut_lesions(exam: HeldOutExam, probability: np.ndarray, *, threshold: float, min_lesion_mm3: float) -> np.ndarray:
    """The lesion mask (z, y, x) bool, as ``segment`` cuts it."""
    return (
        label_instances(
            probability, threshold=threshold, min_lesion_mm3=min_lesion_mm3, voxel_volume_mm3=exam.voxel_mm3
        )
        > 0
    )


def _temperature(exams: Sequence[HeldOutExam]) -> float:
    return min(TEMPERATURES, key=lambda temperature: sum(_cross_entropy(exam, temperature) for exam in exams))


@cache
def _cross_entropy(exam: HeldOutExam, temperature: float) -> float:
    """Mean over the brain's voxels, in nats."""
    inside = np.clip(exam.probability(temperature)[exam.brain], 1e-6, 1 - 1e-6).astype(np.float64)
    return -float(np.where(exam.truth[exam.brain], np.log(inside), np.log1p(-inside)).mean())
