"""Validation on whole brains: what the model will be used for, not on patches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from MSSoftSegLib.evaluation.overlap import dice, soft_dice
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.inference.sliding_window import predict_windowed_logits
from MSSoftSegLib.network.activation import probability
from MSSoftSegLib.training.data.prepared import PreparedCase
from MSSoftSegLib.training.losses.weighted_sum import RecipeLoss
from MSSoftSegLib.training.recipe import Recipe

# The highest mean DSC over these is what validation reports: a loss may be right about the order and wrong about the scale.
THRESHOLDS = tuple(round(0.1 + 0.1 * step, 1) for step in range(9))


@dataclass(frozen=True)
class Validation:
    """Means over the validation cases: loss and soft Dice against the soft label, DSC over cases and raters.

    threshold: the one of nine at which DSC is highest.
    """

    loss: float
    dice: float
    soft_dice: float
    threshold: float = 0.5


def predict_whole(network: nn.Module, case: PreparedCase, recipe: Recipe, device: Device) -> Tensor:
    """Logits (1, 1, z, y, x) float32 of a whole prepared case, as ``segment`` would predict it."""
    images = torch.from_numpy(np.array(case.images()))[None]
    padding = [(-side) % 16 for side in images.shape[2:]]
    padded = nn.functional.pad(images, (0, padding[2], 0, padding[1], 0, padding[0]))
    logits = predict_windowed_logits(network, padded, device, window=recipe.window)
    z, y, x = images.shape[2:]
    return logits[..., :z, :y, :x]


def case_probability(logits: Tensor, case: PreparedCase, recipe: Recipe, *, temperature: float = 1.0) -> np.ndarray:
    """Probability (z, y, x) float32 inside the brain, 0 outside."""
    values = probability(logits, name=recipe.activation.name, floor=recipe.activation.floor, temperature=temperature)
    return values[0, 0].numpy() * case.brain()


def validate(
    network: nn.Module,
    cases: Sequence[PreparedCase],
    recipe: Recipe,
    device: Device,
    *,
    seen: Callable[[PreparedCase, np.ndarray], None] = lambda case, predicted: None,
) -> Validation:
    """Predict every case and compare; the network is left in evaluation mode. seen: gets each case with its probability."""
    network.eval()
    criterion = RecipeLoss(recipe.loss, recipe.activation)
    losses, soft, overlaps = [], [], []
    for case in cases:
        logits = predict_whole(network, case, recipe, device)
        brain = torch.from_numpy(np.array(case.brain()))[None, None].float()
        label = torch.from_numpy(np.array(case.label()))[None, None]
        losses.append(float(criterion(logits, label, brain)))
        predicted = case_probability(logits, case, recipe)
        seen(case, predicted)
        soft.append(soft_dice(predicted, case.label()))
        overlaps.append([_rater_dice(predicted >= threshold, case) for threshold in THRESHOLDS])
    by_threshold = [mean_defined([row[column] for row in overlaps]) for column in range(len(THRESHOLDS))]
    best = max(range(len(THRESHOLDS)), key=lambda column: by_threshold[column])
    return Validation(float(np.mean(losses)), by_threshold[best], mean_defined(soft), THRESHOLDS[best])


def read_rater_masks(case: PreparedCase) -> list[np.ndarray]:
    """Each rater's mask (bool) on the working grid; a pseudo-labelled case has its label's."""
    if case.raters:
        return [case.rater(name) >= 0.5 for name in case.raters]
    return [case.label() >= 0.5]


def _rater_dice(mask: np.ndarray, case: PreparedCase) -> float | None:
    values = [dice(mask, truth) for truth in read_rater_masks(case)]
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def mean_defined(values: Sequence[float | None]) -> float:
    """Mean over what is defined; 0 where nothing is, so that such a validation never looks best."""
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else 0.0
