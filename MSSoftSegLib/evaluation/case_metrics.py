"""Everything that is measured on one case against one rater: one call, one frozen result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from MSSoftSegLib.evaluation.lesion_pairs import LesionPairs, pair_lesions
from MSSoftSegLib.evaluation.lesionwise import SizeDetection, detection_by_size_of, detection_of, panoptic_quality_of
from MSSoftSegLib.evaluation.normalized_dice import normalized_dice
from MSSoftSegLib.evaluation.overlap import dice, positive_predictive_value, soft_dice, true_positive_rate
from MSSoftSegLib.evaluation.probability_measures import CaseCurves, measure_probability
from MSSoftSegLib.evaluation.surface import surface_distances
from MSSoftSegLib.evaluation.volume import absolute_volume_difference_ml, volume_ml
from MSSoftSegLib.lesion.instances import DEFAULT_CONNECTIVITY

# A soft truth becomes a mask here, for the measures that compare masks.
TRUTH_THRESHOLD = 0.5


@dataclass(frozen=True)
class CaseMetrics:
    """One case against one rater, in the order of the columns of metrics.csv; None is undefined (``empty_cases``).

    dsc, ppv, tpr, ndsc, ltpr, lfpr, lesion_f1, pq, sq, rq: masks, 0–1. soft_dice: probability against the truth as it is
    (soft or not), 0–1. ece_*, brier*: probability, inside the brain and within 5 mm of the truth's lesions there, 0–1.
    r_aac, error_auroc*: uncertainty, same places. Names carry the other units.
    """

    dsc: float | None
    ppv: float | None
    tpr: float | None
    soft_dice: float | None
    ndsc: float | None
    hd95_mm: float | None
    assd_mm: float | None
    volume_difference_ml: float | None
    ltpr: float | None
    lfpr: float | None
    lesion_f1: float | None
    pq: float | None
    ece_brain: float | None
    ece_lesion: float | None
    brier: float | None
    brier_lesion: float | None
    r_aac: float | None
    error_auroc: float | None
    error_auroc_lesion: float | None
    sq: float | None
    rq: float | None
    truth_volume_ml: float | None
    predicted_volume_ml: float | None
    truth_lesions: float | None
    predicted_lesions: float | None
    by_size: tuple[SizeDetection, ...]
    curves: CaseCurves

    @property
    def values(self) -> dict[str, float | None]:
        """The single numbers by name."""
        return {name: getattr(self, name) for name in MEASURES}


MEASURES = tuple(field.name for field in fields(CaseMetrics) if field.name not in ("by_size", "curves"))


def measure_case(
    truth: np.ndarray,
    prediction: np.ndarray,
    probability: np.ndarray | None,
    entropy: np.ndarray | None,
    brain: np.ndarray | None,
    spacing_mm: Sequence[float],
    *,
    connectivity: int = DEFAULT_CONNECTIVITY,
    min_lesion_voxels: int = 1,
) -> CaseMetrics:
    """Measure one case; arrays (z, y, x) of one shape, spacing_mm (z, y, x) too.

    truth: mask or soft, 0–1, cut at 0.5 where masks are compared. prediction: mask. probability: 0–1. entropy: any monotone
    uncertainty; without it the binary entropy of the probability, which is what the entropy map of one probability map is.
    brain: mask; without it the measures inside the brain are None. min_lesion_voxels: smaller components are left out on both
    sides of the lesion-wise measures, and of nothing else.
    """
    _check_shapes(truth, prediction, probability, entropy, brain)
    mask, found = truth >= TRUTH_THRESHOLD, prediction != 0
    pairs = pair_lesions(mask, found, min_voxels=min_lesion_voxels, connectivity=connectivity)
    soft = measure_probability(
        truth,
        mask,
        found,
        probability=probability,
        entropy=entropy,
        brain=None if brain is None else brain != 0,
        spacing_mm=spacing_mm,
    )
    return CaseMetrics(
        **_of_masks(mask, found, spacing_mm),
        **_of_lesions(pairs),
        **soft.values,
        soft_dice=None if probability is None else soft_dice(probability, truth),
        ndsc=None if brain is None else normalized_dice(mask, found, brain),
        by_size=detection_by_size_of(pairs, voxel_volume_mm3=float(np.prod(spacing_mm))),
        curves=soft.curves,
    )


def _of_masks(truth: np.ndarray, found: np.ndarray, spacing_mm: Sequence[float]) -> dict[str, Any]:
    surface = surface_distances(truth, found, spacing_mm=spacing_mm)
    return {
        "dsc": dice(truth, found),
        "ppv": positive_predictive_value(truth, found),
        "tpr": true_positive_rate(truth, found),
        "hd95_mm": surface.hd95_mm,
        "assd_mm": surface.assd_mm,
        "volume_difference_ml": absolute_volume_difference_ml(truth, found, spacing_mm=spacing_mm),
        "truth_volume_ml": volume_ml(truth, spacing_mm=spacing_mm),
        "predicted_volume_ml": volume_ml(found, spacing_mm=spacing_mm),
    }


def _of_lesions(pairs: LesionPairs) -> dict[str, Any]:
    detected, quality = detection_of(pairs), panoptic_quality_of(pairs)
    return {
        "ltpr": detected.ltpr,
        "lfpr": detected.lfpr,
        "lesion_f1": detected.f1,
        "pq": quality.pq,
        "sq": quality.sq,
        "rq": quality.rq,
        "truth_lesions": float(detected.truth_lesions),
        "predicted_lesions": float(detected.predicted_lesions),
    }


def _check_shapes(truth: np.ndarray, *others: np.ndarray | None) -> None:
    for other in others:
        if other is not None and other.shape != truth.shape:
            raise ValueError(f"shapes differ: {truth.shape} and {other.shape}")
