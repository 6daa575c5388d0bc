"""What each loss is minimal at: soft Dice and Tversky cut soft labels to binary, the others reproduce them."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from MSSoftSegLib.training.losses.adaptive_wing import adaptive_wing
from MSSoftSegLib.training.losses.cross_entropy import cross_entropy_from_logits, soft_cross_entropy
from MSSoftSegLib.training.losses.dice_semimetric import dice_semimetric
from MSSoftSegLib.training.losses.focal_tversky import focal_tversky
from MSSoftSegLib.training.losses.soft_dice import soft_dice_loss

REPRODUCING = {
    "soft-bce": soft_cross_entropy,
    "dice-semimetric": dice_semimetric,
    "adaptive-wing": adaptive_wing,
}
CUTTING = {"soft-dice": soft_dice_loss, "focal-tversky": focal_tversky}


def soft_target(seed):
    """A lesion of 1 with a shell of one soft value and scattered others, 48 voxels, float64 (1, 1, 4, 12)."""
    rng = np.random.default_rng(seed)
    values = np.zeros(48)
    values[:10] = 1.0
    values[10:18] = rng.uniform(0.1, 0.9)
    values[18:26] = rng.uniform(0.05, 0.95, 8)
    return torch.from_numpy(rng.permutation(values)).reshape(1, 1, 4, 12)


def minimized(loss, target, *, steps=400):
    """The probabilities that minimize a loss, found by Adam with a falling rate, each voxel free within 0–1."""
    free = torch.full_like(target, 0.5).requires_grad_()
    optimizer = torch.optim.Adam([free], lr=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(free, target, torch.ones_like(target)).sum().backward()
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            free.clamp_(0, 1)
    return free.detach()


@pytest.mark.parametrize("seed", range(4))
def test_soft_dice_pushes_labels_above_half_the_dice_to_one_and_the_others_to_zero(seed):
    target = soft_target(seed)
    found = minimized(soft_dice_loss, target)
    t = target.flatten().numpy()
    # The best of all cuts, by trying each: Dice with the constant of one voxel in both sums.
    cuts = {level: t >= level for level in np.unique(t)}
    dice = {level: (2 * t[cut].sum() + 1) / (cut.sum() + t.sum() + 1) for level, cut in cuts.items()}
    best = max(dice, key=dice.get)
    assert ((found < 0.01) | (found > 0.99)).all()
    assert ((found.flatten().numpy() > 0.5) == cuts[best]).all()
    # Docs/methods.md section 2: the cut lies at half the Dice that it reaches.
    assert ((t > dice[best] / 2) == cuts[best]).all()


@pytest.mark.parametrize(("shell", "expected"), [(0.3, 0.0), (0.5, 1.0)])
def test_at_a_dice_of_three_quarters_a_shell_of_three_tenths_vanishes_and_one_of_a_half_fills(shell, expected):
    target = torch.zeros(1, 1, 40, 40, dtype=torch.float64)
    target[..., :10, :] = 1.0  # 400 voxels of lesion
    target[..., 10:12, :] = shell  # 80 of shell
    reached = torch.zeros_like(target)
    reached[..., :10, :] = 0.62  # a network that is only so good: Dice near 0.75
    reached[..., 10:12, :] = 0.5
    reached.requires_grad_()
    loss = soft_dice_loss(reached, target, torch.ones_like(target))
    assert float(1 - loss.detach()) == pytest.approx(0.75, abs=0.02)
    loss.sum().backward()
    towards = -reached.grad[..., 10:12, :].sign()
    assert (towards == (1 if expected else -1)).all()


@pytest.mark.parametrize("seed", range(3))
def test_focal_tversky_cuts_at_three_tenths_of_its_index(seed):
    target = soft_target(seed)
    found = minimized(focal_tversky, target).flatten().numpy()
    t = target.flatten().numpy()
    cut = found > 0.5
    assert ((found < 0.01) | (found > 0.99)).all()
    hit, missed, invented = (found * t).sum(), ((1 - found) * t).sum(), (found * (1 - t)).sum()
    index = (hit + 1) / (hit + 0.7 * missed + 0.3 * invented + 1)
    assert (cut == (t > 0.3 * index)).all()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", REPRODUCING)
def test_the_other_losses_are_minimal_where_the_probability_is_the_label(name, seed):
    target = soft_target(seed)
    found = minimized(REPRODUCING[name], target)
    assert float((found - target).abs().max()) < 0.02


def test_cross_entropy_of_logits_is_minimal_there_too():
    target = soft_target(0).clamp(0.02, 0.98)
    logits = torch.zeros_like(target).requires_grad_()
    optimizer = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = cross_entropy_from_logits(logits, target, torch.ones_like(target)).sum()
        loss.backward()
        return loss.detach()

    optimizer.step(closure)
    assert float((torch.sigmoid(logits.detach()) - target).abs().max()) < 0.01


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from([*REPRODUCING, *CUTTING]))
def test_on_the_way_to_its_minimizer_a_loss_never_rises(seed, name):
    loss = (REPRODUCING | CUTTING)[name]
    target = soft_target(seed % 7)
    weight = torch.ones_like(target)
    if name in REPRODUCING:
        minimizer = target
    else:
        cuts = [(target >= level).double() for level in target.unique()]
        minimizer = min(cuts, key=lambda cut: float(loss(cut, target, weight)))
    start = torch.rand(target.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    along = [float(loss(torch.lerp(start, minimizer, float(share)), target, weight)) for share in np.linspace(0, 1, 9)]
    assert all(later <= earlier + 1e-3 * abs(earlier) for earlier, later in pairwise(along))
    assert along[-1] < along[0]
