"""The schedule of a training: which phase a step belongs to, and its learning rate. Pure functions of the step.

What depends on how validation goes (plateau) enters as a factor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import nn, optim

from MSSoftSegLib.training.recipe import Phase, TrainingSettings

# nnU-Net's exponent.
POLYNOMIAL_POWER = 0.9
PLATEAU_FACTOR = 0.5


@dataclass(frozen=True)
class PhaseInSteps:
    """One phase with its first step and the step after its last."""

    number: int
    phase: Phase
    start: int
    stop: int


def phases_in_steps(training: TrainingSettings) -> tuple[PhaseInSteps, ...]:
    """The phases in order, in steps."""
    found, start = [], 0
    for number, phase in enumerate(training.phases):
        stop = start + phase.epochs * training.steps_per_epoch
        found.append(PhaseInSteps(number, phase, start, stop))
        start = stop
    return tuple(found)


def total_steps(training: TrainingSettings) -> int:
    """All optimizer steps."""
    return phases_in_steps(training)[-1].stop


def learning_rate(stretch: PhaseInSteps, step: int, *, plateau_factor: float = 1.0) -> float:
    """The rate of a step (counted from the start of training) within its phase."""
    phase = stretch.phase
    within = step - stretch.start
    progress = within / (stretch.stop - stretch.start)
    if phase.schedule == "cosine":
        return phase.lowest_rate + (phase.rate - phase.lowest_rate) * 0.5 * (1 + math.cos(math.pi * progress))
    if phase.schedule == "poly":
        return phase.lowest_rate + (phase.rate - phase.lowest_rate) * (1 - progress) ** POLYNOMIAL_POWER
    if phase.schedule == "cyclic":
        place = (within % phase.cycle_steps) / phase.cycle_steps
        return phase.lowest_rate + (phase.rate - phase.lowest_rate) * (1 - abs(2 * place - 1))
    if phase.schedule == "plateau":
        return max(phase.lowest_rate, phase.rate * plateau_factor)
    return phase.rate


def build_optimizer(phase: Phase, network: nn.Module) -> optim.Optimizer:
    """The phase's optimizer over all of the network's parameters that learn."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if phase.optimizer == "sgd":
        return optim.SGD(
            parameters, lr=phase.rate, momentum=phase.momentum, nesterov=True, weight_decay=phase.weight_decay
        )
    kind = optim.AdamW if phase.optimizer == "adamw" else optim.Adam
    return kind(parameters, lr=phase.rate, weight_decay=phase.weight_decay)


def set_epochs(training: TrainingSettings, epochs: int) -> TrainingSettings:
    """The same schedule in ``epochs`` epochs; several phases keep their proportions and at least one epoch each."""
    planned = sum(phase.epochs for phase in training.phases)
    shares = [max(1, round(phase.epochs * epochs / planned)) for phase in training.phases]
    shares[0] = max(1, shares[0] + epochs - sum(shares))
    phases = tuple(
        phase.model_copy(update={"epochs": share}) for phase, share in zip(training.phases, shares, strict=True)
    )
    return training.model_copy(update={"phases": phases})
