"""The stages that never saw the real labelled exam, judged by it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from MSSoftSegLib.evaluation.calibration import expected_calibration_error, neighborhood
from MSSoftSegLib.evaluation.lesionwise import detection
from MSSoftSegLib.evaluation.overlap import dice, soft_dice
from MSSoftSegLib.exam.modality import MODALITIES
from MSSoftSegLib.inference.device import choose_device
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.training.calibration import OperatingPoint
from MSSoftSegLib.training.data.prepared import PreparedCase, prepare_cases
from MSSoftSegLib.training.shipped.bundle import member_logits
from MSSoftSegLib.training.shipped.plan import Plan
from MSSoftSegLib.training.shipped.stages import real_exam

SMALLEST_COUNTED_VOXELS = 3


@dataclass(frozen=True)
class Judgement:
    """One exam: overlap, lesion-wise detection (26-connected, components below 3 voxels dropped on both sides), and the
    expected calibration error within 5 mm of true lesions."""

    dsc: float | None
    soft_dice: float | None
    lesion_f1: float | None
    truth_lesions: int
    predicted_lesions: int
    ece_near_lesions: float | None


def judge(
    network: nn.Module, plan: Plan, point: OperatingPoint, data: Path, folder: Path, *, missing: tuple[str, ...] = ()
) -> Judgement:
    """Predict the held-out exam as ``segment`` does, eight flips. missing: modalities that are withheld ('t1', 't2')."""
    case = prepare_cases([real_exam(data, plan.held_out)], plan.recipe(plan.stages[0]), folder)[0]
    probability = _probability(network, case, point, missing)
    truth = np.array(case.rater(case.raters[0])) >= 0.5
    kept = label_instances(
        probability, threshold=point.threshold, min_lesion_mm3=point.min_lesion_mm3, voxel_volume_mm3=case.spacing_mm**3
    )
    found = detection(truth, kept > 0, min_voxels=SMALLEST_COUNTED_VOXELS)
    near = neighborhood(truth, spacing_mm=(case.spacing_mm,) * 3) & np.array(case.brain())
    return Judgement(
        dsc=dice(kept > 0, truth),
        soft_dice=soft_dice(probability, truth.astype(np.float32)),
        lesion_f1=found.f1,
        truth_lesions=found.truth_lesions,
        predicted_lesions=found.predicted_lesions,
        ece_near_lesions=expected_calibration_error(probability[near], truth[near]),
    )


def _probability(network: nn.Module, case: PreparedCase, point: OperatingPoint, missing: tuple[str, ...]) -> np.ndarray:
    images = torch.from_numpy(np.array(case.images()))
    for channel, modality in enumerate(MODALITIES):
        if modality.value in missing:
            images[channel] = 0
    logits = member_logits(network, images, choose_device("cpu"))
    return torch.sigmoid(logits / point.temperature).mean(dim=0).numpy() * np.array(case.brain())
