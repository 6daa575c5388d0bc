"""Threshold, temperature and smallest lesion, chosen on patients that the network was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from MSSoftSegLib.evaluation.lesionwise import detection
from MSSoftSegLib.evaluation.overlap import dice
from MSSoftSegLib.lesion.instances import label_instances

THRESHOLDS = tuple(round(0.20 + 0.05 * step, 2) for step in range(13))
SMALLEST_LESIONS_MM3 = (3.0, 6.0, 9.0, 12.0, 18.0)
SMALLEST_PROBABILITY = 1e-6
TEMPERATURES = tuple(round(0.5 * 1.1**step, 3) for step in range(24))


@dataclass(frozen=True)
class ValidationCase:
    """logits (member, z, y, x) float32, a member for each pass of test-time augmentation as the model is used; soft label
    (z, y, x) float32 at 1 mm; and the brain."""

    logits: Tensor
    label: Tensor
    brain: Tensor

    def probability(self, temperature: float) -> Tensor:
        """Mean over the members (z, y, x), 0 outside the brain."""
        return torch.sigmoid(self.logits / temperature).mean(dim=0) * self.brain


@dataclass(frozen=True)
class OperatingPoint:
    """What turns logits into lesions, and how well it did on the validation cases (means over cases)."""

    temperature: float
    threshold: float
    min_lesion_mm3: float
    mean_dsc: float
    mean_lesion_f1: float


def fitted_temperature(cases: Sequence[ValidationCase]) -> float:
    """The temperature with the lowest cross entropy of the mean probability against the soft labels."""
    inside = [(case.logits[:, case.brain > 0], case.label[case.brain > 0]) for case in cases]

    def cross_entropy(temperature: float) -> float:
        losses = []
        for logits, label in inside:
            mean = torch.sigmoid(logits / temperature).mean(dim=0)
            mean_logit = torch.logit(mean, eps=SMALLEST_PROBABILITY)
            losses.append(functional.binary_cross_entropy_with_logits(mean_logit, label))
        return float(torch.stack(losses).mean())

    return min(TEMPERATURES, key=cross_entropy)


def choose_operating_point(cases: Sequence[ValidationCase]) -> OperatingPoint:
    """Temperature first; then the threshold with the highest mean DSC; then the smallest lesion with the highest mean F1."""
    temperature = fitted_temperature(cases)
    pairs = [(case.probability(temperature).numpy(), case.label.numpy() >= 0.5) for case in cases]
    threshold = max(THRESHOLDS, key=lambda level: _mean([dice(p >= level, truth) for p, truth in pairs]))

    def f1(min_lesion_mm3: float) -> float:
        found = [(_lesions(p, threshold, min_lesion_mm3), truth) for p, truth in pairs]
        return _mean([detection(truth, prediction, min_voxels=3).f1 for prediction, truth in found])

    smallest = max(SMALLEST_LESIONS_MM3, key=f1)
    kept = [dice(_lesions(p, threshold, smallest), truth) for p, truth in pairs]
    return OperatingPoint(temperature, threshold, smallest, _mean(kept), f1(smallest))


def _lesions(probability: np.ndarray, threshold: float, min_lesion_mm3: float) -> np.ndarray:
    return label_instances(probability, threshold=threshold, min_lesion_mm3=min_lesion_mm3, voxel_volume_mm3=1.0)


def _mean(values: Sequence[float | None]) -> float:
    """Mean over the cases for which the measure is defined; NaN when it is for none."""
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else float("nan")
