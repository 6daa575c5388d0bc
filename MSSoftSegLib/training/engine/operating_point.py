"""What turns a trained model's logits into lesions, chosen on the training folds: never on cases that judge the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from MSSoftSegLib.errors import JobFailed
from MSSoftSegLib.evaluation.lesionwise import detection
from MSSoftSegLib.evaluation.overlap import dice
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.network.building import build_network
from MSSoftSegLib.training.data.prepared import PreparedCase
from MSSoftSegLib.training.engine.task import BEST_WEIGHTS, FitTask
from MSSoftSegLib.training.engine.validation import case_probability, mean_defined, predict_whole, read_rater_masks
from MSSoftSegLib.training.recipe import Recipe

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))
SMALLEST_LESIONS_MM3 = (0.0, 3.0, 6.0, 9.0, 12.0, 18.0)
TEMPERATURES = tuple(round(0.4 * 1.1**step, 3) for step in range(26))
# More than this many cases tell no more about one number, and each costs a whole-brain prediction.
MOST_CASES = 12


class ChosenPoint(Protocol):
    """What turns logits into lesions, however it was chosen."""

    @property
    def temperature(self) -> float:
        """Logits are divided by it."""

    @property
    def threshold(self) -> float:
        """Lowest probability of a lesion's voxels."""

    @property
    def min_lesion_mm3(self) -> float:
        """Smallest lesion that is kept."""


# The point that an exam is used with: by its acquisition, or the same for all.
PointOf = Callable[[PreparedCase], ChosenPoint]


@dataclass(frozen=True)
class MeasuredPoint:
    """min_lesion_mm3: lesions smaller than this are dropped. mean_dsc: over training cases and raters, with these settings."""

    temperature: float
    threshold: float
    min_lesion_mm3: float
    mean_dsc: float
    cases: int


def load_trained(task: FitTask) -> nn.Module:
    """The network with a finished task's best weights, in evaluation mode."""
    network = build_network(task.recipe.network, input_channels=len(task.recipe.data.inputs))
    return load_best_weights(network, task.folder)


def load_best_weights(network: nn.Module, folder: Path) -> nn.Module:
    """The network with the best weights that a member of a run left in its folder, in evaluation mode."""
    try:
        network.load_state_dict(load_file(str(folder / BEST_WEIGHTS)))
    except (OSError, RuntimeError, SafetensorError):
        raise JobFailed(
            f"{BEST_WEIGHTS} of this run is missing or damaged", remedy="start over with --overwrite"
        ) from None
    return network.eval()


def choose_operating_point(
    tasks: Sequence[FitTask],
    device: Device,
    *,
    on: Literal["training", "held-out"] = "training",
    progress: Callable[[float], None] = lambda fraction: None,
) -> MeasuredPoint:
    """Temperature on held-out cases, then threshold and smallest lesion on the cases trained on (Docs/methods.md section 7).

    tasks: the finished members of one ensemble. A member is only ever calibrated on cases that it did not see.
    on: 'held-out' chooses threshold and smallest lesion there too; mean_dsc is of the cases trained on all the same.
    """
    recipe = tasks[0].recipe
    temperature = fit_temperature(tasks, device)
    cases, probabilities = predict_cases(tasks, device, lambda case: temperature, on=on, progress=progress)
    point = choose_point(cases, probabilities, recipe, temperature)
    return point if on == "training" else measure_given_point(tasks, device, point, lambda case: point)


def measure_given_point(
    tasks: Sequence[FitTask],
    device: Device,
    point: ChosenPoint,
    point_of: PointOf,
    *,
    progress: Callable[[float], None] = lambda fraction: None,
) -> MeasuredPoint:
    """The point that was chosen elsewhere, with the mean DSC on the cases that these members trained on, each by ``point_of``."""
    cases, probabilities = predict_cases(
        tasks, device, lambda case: point_of(case).temperature, on="training", progress=progress
    )
    scores = []
    for case, found in zip(cases, probabilities, strict=True):
        mask = lesion_mask(found, point_of(case).threshold, point_of(case).min_lesion_mm3, case)
        scores.append(mean_defined([dice(mask, truth) for truth in read_rater_masks(case)]))
    return MeasuredPoint(point.temperature, point.threshold, point.min_lesion_mm3, mean_defined(scores), len(cases))


def predict_cases(
    tasks: Sequence[FitTask],
    device: Device,
    temperature_of: Callable[[PreparedCase], float],
    *,
    on: Literal["training", "held-out"],
    progress: Callable[[float], None] = lambda fraction: None,
) -> tuple[list[PreparedCase], list[np.ndarray]]:
    """Cases that members trained on, or that were held out, with the mean probability of just these members."""
    recipe = tasks[0].recipe
    networks = [load_trained(task) for task in tasks]
    shown = [task.training if on == "training" else task.validation for task in tasks]
    cases = _labeled(shown)[:MOST_CASES]
    probabilities = []
    for number, case in enumerate(cases):
        progress(number / len(cases))
        members = [
            case_probability(
                predict_whole(network, case, recipe, device), case, recipe, temperature=temperature_of(case)
            )
            for network, theirs in zip(networks, shown, strict=True)
            if case in theirs
        ]
        probabilities.append(np.mean(members, axis=0))
    return cases, probabilities


def _labeled(shown: Sequence[Sequence[PreparedCase]]) -> list[PreparedCase]:
    """Every rater-labelled case of any member, in a fixed order."""
    found = {case.case: case for cases in shown for case in cases if not case.is_pseudo_labelled}
    return [found[name] for name in sorted(found)]


def choose_point(
    cases: Sequence[PreparedCase], probabilities: Sequence[np.ndarray], recipe: Recipe, temperature: float
) -> MeasuredPoint:
    """The threshold with the best mean DSC, then the smallest lesion with the best lesion F1; what the recipe fixes stays."""
    fixed = recipe.postprocessing

    def dsc(threshold: float, smallest: float) -> float:
        values = []
        for case, probability in zip(cases, probabilities, strict=True):
            mask = lesion_mask(probability, threshold, smallest, case)
            values.append(mean_defined([dice(mask, truth) for truth in read_rater_masks(case)]))
        return mean_defined(values)

    def f1(threshold: float, smallest: float) -> float:
        values = []
        for case, probability in zip(cases, probabilities, strict=True):
            mask = lesion_mask(probability, threshold, smallest, case)
            values.append(mean_defined([detection(truth, mask).f1 for truth in read_rater_masks(case)]))
        return mean_defined(values)

    given = 0.0 if fixed.drop_up_to_mm3 is None else _just_above(fixed.drop_up_to_mm3, recipe)
    threshold = fixed.threshold or max(THRESHOLDS, key=lambda level: dsc(level, given))
    smallest = given
    if fixed.drop_up_to_mm3 is None:
        smallest = max(SMALLEST_LESIONS_MM3, key=lambda volume: f1(threshold, volume))
    return MeasuredPoint(temperature, threshold, smallest, dsc(threshold, smallest), len(cases))


def _just_above(volume_mm3: float, recipe: Recipe) -> float:
    """The smallest volume that is kept where components *up to* a volume are dropped."""
    return volume_mm3 + 0.5 * recipe.data.spacing_mm**3 if volume_mm3 else 0.0


def lesion_mask(probability: np.ndarray, threshold: float, smallest: float, case: PreparedCase) -> np.ndarray:
    """Voxels (z, y, x) of lesions of at least ``smallest`` mm³; bool."""
    if smallest == 0:
        return probability >= threshold
    voxel_mm3 = case.spacing_mm**3
    instances = label_instances(probability, threshold=threshold, min_lesion_mm3=smallest, voxel_volume_mm3=voxel_mm3)
    return instances > 0


def fit_temperature(tasks: Sequence[FitTask], device: Device) -> float:
    """The temperature with the lowest cross entropy against the soft labels of held-out cases; 1 where the recipe wants none."""
    recipe = tasks[0].recipe
    if not recipe.postprocessing.calibrate:
        return 1.0
    losses = np.zeros(len(TEMPERATURES))
    for task in tasks:
        network = load_trained(task)
        for case in task.validation[:MOST_CASES]:
            logits = predict_whole(network, case, recipe, device)
            inside = torch.from_numpy(np.array(case.brain()))
            label = torch.from_numpy(np.array(case.label()))[inside]
            for number, temperature in enumerate(TEMPERATURES):
                predicted = torch.from_numpy(case_probability(logits, case, recipe, temperature=temperature))[inside]
                losses[number] += _cross_entropy(predicted, label)
    return TEMPERATURES[int(losses.argmin())] if losses.any() else 1.0


def _cross_entropy(probability: Tensor, label: Tensor) -> float:
    clamped = probability.double().clamp(1e-6, 1 - 1e-6)
    return float(nn.functional.binary_cross_entropy(clamped, label.double()))
