"""Learning rates by step, against torch's own schedulers."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn, optim

from MSSoftSegLib.training.engine.schedule import (
    build_optimizer,
    learning_rate,
    phases_in_steps,
    set_epochs,
    total_steps,
)
from MSSoftSegLib.training.recipe import Phase, TrainingSettings, find_recipe


def course_of(*phases: Phase, steps_per_epoch: int = 10):
    return TrainingSettings(phases=phases, steps_per_epoch=steps_per_epoch)


def rates(training: TrainingSettings) -> list[float]:
    return [
        learning_rate(stretch, step)
        for stretch in phases_in_steps(training)
        for step in range(stretch.start, stretch.stop)
    ]


def rates_by_torch(phase: Phase, steps: int, make) -> list[float]:
    optimizer = optim.SGD([nn.Parameter(torch.zeros(1))], lr=phase.rate)
    scheduler = make(optimizer)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_the_cosine_is_torchs():
    phase = Phase(epochs=3, rate=1e-3, lowest_rate=1e-5, schedule="cosine")
    theirs = rates_by_torch(phase, 30, lambda o: optim.lr_scheduler.CosineAnnealingLR(o, T_max=30, eta_min=1e-5))
    assert rates(course_of(phase)) == pytest.approx(theirs, rel=1e-6)


def test_the_polynomial_is_torchs_with_nnunets_exponent():
    phase = Phase(epochs=3, rate=1e-2, schedule="poly")
    theirs = rates_by_torch(phase, 30, lambda o: optim.lr_scheduler.PolynomialLR(o, total_iters=30, power=0.9))
    assert rates(course_of(phase)) == pytest.approx(theirs, rel=1e-6)


def test_the_cycle_is_torchs_triangle():
    phase = Phase(epochs=6, optimizer="sgd", rate=1e-3, lowest_rate=5e-7, schedule="cyclic", cycle_steps=20)
    theirs = rates_by_torch(
        phase,
        60,
        lambda o: optim.lr_scheduler.CyclicLR(o, base_lr=5e-7, max_lr=1e-3, step_size_up=10, cycle_momentum=False),
    )
    assert rates(course_of(phase)) == pytest.approx(theirs, rel=1e-6)


def test_a_plateau_lowers_the_rate_by_its_factor_and_never_below_the_lowest():
    (stretch,) = phases_in_steps(course_of(Phase(epochs=1, rate=1e-3, lowest_rate=3e-4, schedule="plateau")))
    assert learning_rate(stretch, 3, plateau_factor=0.5) == pytest.approx(5e-4)
    assert learning_rate(stretch, 3, plateau_factor=0.125) == pytest.approx(3e-4)


def test_phases_follow_each_other_without_a_gap():
    first, second = phases_in_steps(find_recipe("groza2020").training)
    assert first.start == 0
    assert first.stop == second.start
    assert second.phase.optimizer == "sgd"
    assert total_steps(find_recipe("groza2020").training) == second.stop


@given(st.integers(1, 30), st.lists(st.integers(1, 200), min_size=1, max_size=4))
def test_a_shorter_course_keeps_every_phase(epochs, planned):
    training = course_of(*(Phase(epochs=count, rate=1e-3) for count in planned))
    shortened = set_epochs(training, epochs)
    counts = [phase.epochs for phase in shortened.phases]
    assert min(counts) >= 1
    assert len(counts) == len(planned)
    # Phases that would vanish get one epoch each, on top.
    assert epochs <= sum(counts) <= epochs + len(planned) - 1


def test_two_phases_of_a_shorter_course_keep_their_proportion():
    shortened = set_epochs(find_recipe("groza2020").training, 12)
    assert [phase.epochs for phase in shortened.phases] == [10, 2]


@pytest.mark.parametrize(("name", "kind"), [("adam", optim.Adam), ("adamw", optim.AdamW), ("sgd", optim.SGD)])
def test_the_optimizer_is_the_one_that_the_phase_names(name, kind):
    optimizer = build_optimizer(Phase(epochs=1, optimizer=name, rate=0.02, weight_decay=0.1), nn.Linear(2, 1))
    assert type(optimizer) is kind
    assert optimizer.param_groups[0]["lr"] == 0.02
    assert optimizer.param_groups[0]["weight_decay"] == 0.1
