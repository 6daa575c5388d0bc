"""What adaptation cost: the base patients before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from MSSoftSegLib.evaluation.comparison import PairedDifference, paired_difference
from MSSoftSegLib.evaluation.lesionwise import detection
from MSSoftSegLib.evaluation.overlap import dice
from MSSoftSegLib.evaluation.verdict import TOLERATED_FORGETTING, describe_forgetting
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.training.data.prepared import PreparedCase
from MSSoftSegLib.training.engine.operating_point import PointOf
from MSSoftSegLib.training.engine.validation import case_probability, predict_whole, read_rater_masks
from MSSoftSegLib.training.recipe import Recipe

SEED = 0


@dataclass(frozen=True)
class Forgetting:
    """Paired differences (after − before) by measure over n base patients; told: what was forgotten, in words."""

    patients: int
    differences: dict[str, PairedDifference]
    told: tuple[str, ...]

    def facts(self) -> dict[str, object]:
        """For the bundle and the job's summary."""
        found: dict[str, object] = {"patients": self.patients, "forgotten": list(self.told)}
        for name, difference in self.differences.items():
            found[f"{name}_before"], found[f"{name}_after"] = difference.first_mean, difference.second_mean
        return found


def measure_forgetting(
    before: tuple[Sequence[nn.Module], PointOf],
    after: tuple[Sequence[nn.Module], PointOf],
    cases: Sequence[PreparedCase],
    recipe: Recipe,
    device: Device,
) -> Forgetting:
    """Compare two models, each with its own operating points, without test-time augmentation on the working grid."""
    first = [_scores(*before, case, recipe, device) for case in cases]
    second = [_scores(*after, case, recipe, device) for case in cases]
    differences = {
        name: paired_difference(
            [score[name] for score in first],
            [score[name] for score in second],
            patients=[case.patient for case in cases],
            rng=np.random.default_rng(SEED),
        )
        for name in TOLERATED_FORGETTING
    }
    told = [words for name, difference in differences.items() if (words := describe_forgetting(name, difference))]
    return Forgetting(len(cases), differences, tuple(told))


def _scores(
    networks: Sequence[nn.Module], point_of: PointOf, case: PreparedCase, recipe: Recipe, device: Device
) -> dict[str, float | None]:
    point = point_of(case)
    each = [
        case_probability(predict_whole(network, case, recipe, device), case, recipe, temperature=point.temperature)
        for network in networks
    ]
    found = label_instances(
        np.mean(each, axis=0),
        threshold=point.threshold,
        min_lesion_mm3=point.min_lesion_mm3,
        voxel_volume_mm3=case.spacing_mm**3,
    )
    truth = read_rater_masks(case)[0]
    return {"dsc": dice(found, truth), "lesion_f1": detection(truth, found).f1}
