"""The operating point of the shipped model: temperature, threshold, smallest lesion."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from MSSoftSegLib.training.calibration import ValidationCase, choose_operating_point, fitted_temperature
from MSSoftSegLib.training.losses import soft_cross_entropy, soft_dice_loss


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


def test_the_temperature_of_overconfident_logits_is_found():
    rng = np.random.default_rng(0)
    true_logits = rng.normal(0, 2, (20, 20, 20))
    label = (rng.random(true_logits.shape) < 1 / (1 + np.exp(-true_logits))).astype(np.float32)
    logits = torch.from_numpy(3.0 * true_logits).float()
    case = ValidationCase(logits, torch.from_numpy(label), torch.ones(20, 20, 20))
    assert fitted_temperature([case]) == pytest.approx(3.0, rel=0.12)


def test_specks_that_are_no_lesion_raise_the_smallest_lesion():
    label = torch.zeros(24, 24, 24)
    label[6:11, 6:11, 6:11] = 1
    logits = torch.where(label > 0, 4.0, -4.0)
    for corner in ((16, 16, 16), (16, 4, 4), (4, 16, 4), (4, 4, 18)):
        logits[tuple(slice(c, c + 2) for c in corner)] = 4.0
    point = choose_operating_point([ValidationCase(logits, label, torch.ones(24, 24, 24))])
    assert point.min_lesion_mm3 > 8
    assert point.mean_lesion_f1 == 1
