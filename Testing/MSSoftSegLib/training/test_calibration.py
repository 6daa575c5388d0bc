"""The operating point of the shipped model: temperature, threshold, smallest lesion."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from MSSoftSegLib.training.calibration import ValidationCase, choose_operating_point, fitted_temperature
from MSSoftSegLib.training.losses import soft_cross_entropy, soft_dice_loss


def test_soft_dice_of_a_hand_worked_pair():
    p = torch.tensor([0.5, 1.0, 0.0, 0.0]).view(1, 1, 1, 1, 4)
    s = torch.tensor([0.5, 0.5, 0.5, 0.0]).view(1, 1, 1, 1, 4)
    assert float(soft_dice_loss(p, s).mean()) == pytest.approx(1 - (2 * 0.75 + 1) / (1.5 + 1.5 + 1))


def test_cross_entropy_is_smallest_where_the_probability_is_the_label():
    label = torch.full((1, 1, 2, 2, 2), 0.37)
    losses = {p: float(soft_cross_entropy(torch.full_like(label, p), label)) for p in (0.1, 0.3, 0.37, 0.45, 0.9)}
    assert min(losses, key=losses.get) == 0.37


def test_the_temperature_of_overconfident_logits_is_found():
    rng = np.random.default_rng(0)
    true_logits = rng.normal(0, 2, (20, 20, 20))
    label = (rng.random(true_logits.shape) < 1 / (1 + np.exp(-true_logits))).astype(np.float32)
    logits = torch.from_numpy(3.0 * true_logits).float()
    case = ValidationCase(logits[None], torch.from_numpy(label), torch.ones(20, 20, 20))
    assert fitted_temperature([case]) == pytest.approx(3.0, rel=0.12)


def test_specks_that_are_no_lesion_raise_the_smallest_lesion():
    label = torch.zeros(24, 24, 24)
    label[6:11, 6:11, 6:11] = 1
    logits = torch.where(label > 0, 4.0, -4.0)
    for corner in ((16, 16, 16), (16, 4, 4), (4, 16, 4), (4, 4, 18)):
        logits[tuple(slice(c, c + 2) for c in corner)] = 4.0
    point = choose_operating_point([ValidationCase(logits[None], label, torch.ones(24, 24, 24))])
    assert point.min_lesion_mm3 > 8
    assert point.mean_lesion_f1 == 1


def test_the_threshold_is_chosen_for_the_mean_of_the_passes_that_segment_makes():
    label = torch.zeros(24, 24, 24)
    label[6:14, 6:14, 6:14] = 1
    sure = torch.where(label > 0, 6.0, -6.0)
    one_of_four = torch.stack([sure, *[torch.full_like(sure, -6.0)] * 3])
    brain = torch.ones(24, 24, 24)
    assert choose_operating_point([ValidationCase(sure[None], label, brain)]).mean_dsc == 1
    point = choose_operating_point([ValidationCase(one_of_four, label, brain)])
    # Where one pass of four finds the lesion, its mean probability is about a quarter.
    assert point.threshold <= 0.3
    assert point.mean_dsc == 1


def test_the_members_of_a_prediction_lie_on_each_other_whatever_was_flipped():
    from MSSoftSegLib.inference.device import Device
    from MSSoftSegLib.training.shipped.bundle import member_logits

    class Brightness(torch.nn.Module):
        def forward(self, images):
            return 3.0 * images[:, :1]

    images = torch.randn(3, 16, 32, 16, generator=torch.Generator().manual_seed(1))
    members = member_logits(Brightness(), images, Device(torch.device("cpu"), torch.float32))
    assert members.shape == (8, 16, 32, 16)
    for member in members:
        torch.testing.assert_close(member, 3.0 * images[0])
