"""What is asked of a probability map and its entropy: calibration, retention, error detection; in the brain, near lesions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from MSSoftSegLib.evaluation.calibration import Reliability, brier_score, neighborhood, reliability_curve
from MSSoftSegLib.evaluation.error_detection import error_auroc, error_auroc_of
from MSSoftSegLib.evaluation.precision_recall import PrecisionRecall, precision_recall
from MSSoftSegLib.evaluation.retention import RetentionCurve, retention_curve_of
from MSSoftSegLib.evaluation.uncertainty_ranks import rank_errors
from MSSoftSegLib.lesion.uncertainty import binary_entropy_nats


@dataclass(frozen=True)
class CaseCurves:
    """What figures are drawn from; None without the maps that it needs."""

    reliability_brain: Reliability | None = None
    reliability_lesion: Reliability | None = None
    precision_recall: PrecisionRecall | None = None
    retention: RetentionCurve | None = None


@dataclass(frozen=True)
class ProbabilityMeasures:
    """ECE, Brier, R-AAC and AUROC, each 0–1, None where undefined or where a map that it needs was not given.

    Brain: the voxels of its mask and those of the truth's lesions. Lesion: those of them within 5 mm of the truth's lesions.
    Neither asks the prediction: the voxels are the same for every method that is compared.
    """

    ece_brain: float | None = None
    ece_lesion: float | None = None
    brier: float | None = None
    brier_lesion: float | None = None
    r_aac: float | None = None
    error_auroc: float | None = None
    error_auroc_lesion: float | None = None
    curves: CaseCurves = CaseCurves()

    @property
    def values(self) -> dict[str, Any]:
        """The single numbers by name."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "curves"}


def measure_probability(
    soft_truth: np.ndarray,
    truth: np.ndarray,
    prediction: np.ndarray,
    *,
    probability: np.ndarray | None,
    entropy: np.ndarray | None,
    brain: np.ndarray | None,
    spacing_mm: Sequence[float],
) -> ProbabilityMeasures:
    """Arrays (z, y, x) of one shape; truth, prediction, brain as bool, soft_truth and probability 0–1."""
    pooled = precision_recall(probability, truth) if probability is not None else None
    if brain is None:
        return ProbabilityMeasures(curves=CaseCurves(precision_recall=pooled))
    inside = brain | truth
    near = neighborhood(truth, spacing_mm=spacing_mm)[inside]
    t, p = truth[inside], prediction[inside]
    measures: dict[str, float | None] = {}
    reliability_brain = reliability_lesion = retention = None
    if probability is not None:
        chance, soft = probability[inside], soft_truth[inside]
        reliability_brain, reliability_lesion = (
            reliability_curve(chance, soft),
            reliability_curve(chance[near], soft[near]),
        )
        measures |= {
            "ece_brain": reliability_brain.error,
            "ece_lesion": reliability_lesion.error,
            "brier": brier_score(chance, soft),
            "brier_lesion": brier_score(chance[near], soft[near]),
        }
    if (doubt := _uncertainty(probability, entropy, inside)) is not None:
        ranks = rank_errors(doubt, t, p)
        retention = retention_curve_of(ranks)
        measures |= {
            "r_aac": retention.r_aac if retention is not None else None,
            "error_auroc": error_auroc_of(ranks),
            "error_auroc_lesion": error_auroc(doubt[near], t[near], p[near]),
        }
    return ProbabilityMeasures(**measures, curves=CaseCurves(reliability_brain, reliability_lesion, pooled, retention))


def _uncertainty(probability: np.ndarray | None, entropy: np.ndarray | None, inside: np.ndarray) -> np.ndarray | None:
    """The entropy map; without one that of the probability map, which is the predictive entropy by definition."""
    if entropy is not None:
        return entropy[inside]
    return binary_entropy_nats(probability[inside]) if probability is not None else None
