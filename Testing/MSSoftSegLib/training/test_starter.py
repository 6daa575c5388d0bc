"""The starter trainer: losses that do what they say, a run that can be killed, a bundle that can be read."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from MSSoftSegLib.network.bundle import read_bundle
from MSSoftSegLib.network.weights import load_networks
from MSSoftSegLib.training.calibration import ValidationCase, choose_operating_point, fitted_temperature
from MSSoftSegLib.training.losses import soft_cross_entropy, soft_dice_loss, starter_loss
from MSSoftSegLib.training.starter import StarterPlan, StarterRun, train
from MSSoftSegLib.training.starter_bundle import write_bundle
from Testing.MSSoftSegLib.training.tiny_data import write_tiny_data

PLAN = replace(
    StarterPlan(),
    without=("patient03",),
    widths=(4, 6, 8),
    patient_shape=(32, 40, 32),
    crop_shape=(16, 24, 16),
    crops_per_patient=2,
    crop_steps=6,
    whole_steps=2,
    warmup_steps=2,
)


def test_soft_dice_of_a_hand_worked_pair():
    p = torch.tensor([0.5, 1.0, 0.0, 0.0]).view(1, 1, 1, 1, 4)
    s = torch.tensor([0.5, 0.5, 0.5, 0.0]).view(1, 1, 1, 1, 4)
    assert float(soft_dice_loss(p, s)) == pytest.approx(1 - (2 * 0.75 + 1) / (1.5 + 1.5 + 1))


def test_cross_entropy_is_smallest_where_the_probability_is_the_label():
    label = torch.full((1, 1, 2, 2, 2), 0.37)
    inside = torch.ones_like(label)
    losses = {
        p: float(soft_cross_entropy(torch.full_like(label, math.log(p / (1 - p))), label, inside=inside))
        for p in (0.1, 0.3, 0.37, 0.45, 0.9)
    }
    assert min(losses, key=losses.get) == 0.37


def test_an_empty_patch_in_sixteen_bits_has_a_finite_loss_and_gradient():
    logits = torch.zeros(1, 1, 4, 4, 4, dtype=torch.bfloat16, requires_grad=True)
    inside = torch.zeros(1, 1, 4, 4, 4, dtype=torch.bool)
    loss = starter_loss(logits, torch.zeros(1, 1, 4, 4, 4), inside=inside)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_the_loss_falls_when_one_patch_is_learned_by_heart(tmp_path):
    torch.manual_seed(0)
    run = StarterRun(replace(PLAN, crop_steps=60, whole_steps=0, warmup_steps=1, learning_rate=0.01), tmp_path)
    label = torch.zeros(1, 1, 16, 16, 16)
    label[..., 4:10, 5:11, 6:12] = 1
    images = torch.randn(1, 3, 16, 16, 16) * 0.3 + 2 * label + 0.1
    losses = [run.train_step(images, label) for _ in range(50)]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])


def test_a_run_can_be_interrupted_resumed_and_becomes_a_bundle(tmp_path):
    data = write_tiny_data(tmp_path / "data")
    first = train(replace(PLAN, crop_steps=3, whole_steps=0), data, tmp_path / "run", resume=False)
    assert first.step == 3
    run = train(PLAN, data, tmp_path / "run", resume=True)
    assert run.step == PLAN.steps
    steps = [int(line.split(",")[0]) for line in (tmp_path / "run" / "losses.csv").read_text().splitlines()]
    assert steps == list(range(1, PLAN.steps + 1))
    again = StarterRun(PLAN, tmp_path / "run")
    again.load()
    for name, tensor in run.average.state_dict().items():
        assert torch.equal(tensor, again.average.state_dict()[name])

    cases = [
        ValidationCase(torch.randn(8, 8, 8), (torch.rand(8, 8, 8) > 0.7).float(), torch.ones(8, 8, 8)) for _ in range(2)
    ]
    (tmp_path / "bundle").mkdir()
    write_bundle(tmp_path / "bundle", run.average, PLAN, choose_operating_point(cases), ["eight steps"], "# Card\n")
    bundle = read_bundle(tmp_path / "bundle")
    assert bundle.description.training["left_out"] == ["patient03"]
    (network,) = load_networks(bundle)
    for name, tensor in network.state_dict().items():
        assert torch.allclose(tensor, run.average.state_dict()[name], atol=2e-3)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path):
    run = StarterRun(PLAN, tmp_path)
    with pytest.raises(FloatingPointError, match="step 0"):
        run.train_step(torch.full((1, 3, 16, 24, 16), float("nan")), torch.zeros(1, 1, 16, 24, 16))


def test_the_temperature_of_overconfident_logits_is_found():
    rng = np.random.default_rng(0)
    true_logits = rng.normal(0, 2, (20, 20, 20))
    label = (rng.random(true_logits.shape) < 1 / (1 + np.exp(-true_logits))).astype(np.float32)
    logits = torch.from_numpy(3.0 * true_logits).float()
    case = ValidationCase(logits, torch.from_numpy(label), torch.ones(20, 20, 20))
    assert fitted_temperature([case]) == pytest.approx(3.0, rel=0.12)
