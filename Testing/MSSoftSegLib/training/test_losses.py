"""Losses: right gradients, finite everywhere, each voxel by its weight, equal to MONAI's where MONAI has them."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.losses import DiceLoss, TverskyLoss
from scipy.ndimage import grey_dilation

from MSSoftSegLib.training.losses.adaptive_wing import THETA, lesion_weight, wing
from MSSoftSegLib.training.losses.cross_entropy import cross_entropy_from_logits, soft_cross_entropy
from MSSoftSegLib.training.losses.dice_semimetric import dice_semimetric
from MSSoftSegLib.training.losses.focal_tversky import focal_tversky, tversky_index
from MSSoftSegLib.training.losses.soft_dice import soft_dice_loss
from MSSoftSegLib.training.losses.weighted_sum import RecipeLoss
from MSSoftSegLib.training.recipe import ActivationSettings, LossTerm

NAMES = ("soft-dice", "soft-bce", "dice-semimetric", "adaptive-wing", "focal-tversky")
ACTIVATIONS = ("sigmoid", "normalized-relu")
SHAPES = ((2, 1, 3, 4, 5), (2, 1, 5, 4))


def recipe_loss(*names, activation="sigmoid", weights=None):
    weights = weights or [1.0] * len(names)
    terms = [LossTerm(name=name, weight=weight) for name, weight in zip(names, weights, strict=True)]
    return RecipeLoss(terms, ActivationSettings(name=activation))


def drawn(seed, shape=SHAPES[0], *, kind=torch.float64):
    """Logits, soft target, weight with zeros in it."""
    rng = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(shape, generator=rng, dtype=torch.float64)
    target = torch.rand(shape, generator=rng, dtype=torch.float64)
    weight = (torch.rand(shape, generator=rng, dtype=torch.float64) * 1.4 - 0.3).clamp(0, 1)
    return logits.to(kind), target, weight


@pytest.mark.parametrize("shape", SHAPES, ids=["volumes", "slices"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", NAMES)
def test_gradients_agree_with_finite_differences(name, activation, shape):
    logits, target, weight = drawn(5, shape)
    loss = recipe_loss(name, activation=activation)
    assert torch.autograd.gradcheck(lambda x: loss(x, target, weight), logits.requires_grad_())


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", NAMES)
def test_sixteen_bit_logits_even_extreme_ones_give_a_finite_float32_loss(name, activation):
    logits, target, weight = drawn(1, kind=torch.bfloat16)
    logits = (logits * 50).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        loss = recipe_loss(name, activation=activation)(logits, target.float(), weight.float())
    loss.backward()
    assert loss.dtype is torch.float32
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("level", [-20.0, 0.0, 20.0])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", NAMES)
def test_empty_targets_and_weightless_samples_are_finite_with_finite_gradients(name, activation, level):
    logits = torch.full((2, 1, 3, 4, 5), level, dtype=torch.float64)
    logits[0, 0, 0, 0, 0] += 1
    logits.requires_grad_()
    weight = torch.ones_like(logits)
    weight[1] = 0
    losses = recipe_loss(name, activation=activation).per_sample(logits, torch.zeros_like(logits), weight)
    losses.sum().backward()
    assert torch.isfinite(losses).all()
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[0] >= -1e-12).all() or activation == "normalized-relu"
    assert float(losses[1].detach()) == pytest.approx(0, abs=1e-12)
    assert (logits.grad[1] == 0).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", NAMES)
def test_what_lies_at_weight_zero_changes_nothing(name, activation):
    logits, target, weight = drawn(2)
    outside = weight == 0
    loss = recipe_loss(name, activation=activation)
    elsewhere = logits.clone()
    elsewhere[outside] = -3.0  # a lower response, so that no maximum changes
    logits[outside] = -1.0
    changed = target.clone()
    if name != "adaptive-wing":  # whose weight map looks at the neighbours' targets
        changed[outside] = 1 - changed[outside]
    assert outside.any()
    assert float(loss(logits, target, weight)) == pytest.approx(float(loss(elsewhere, changed, weight)), rel=1e-9)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", NAMES)
def test_a_voxel_of_larger_weight_pulls_harder(name, activation):
    logits = torch.full((1, 1, 4, 4), 1.0, dtype=torch.float64)
    logits[..., 3, 3] = 3.0
    logits.requires_grad_()
    weight = torch.ones_like(logits)
    weight[..., 0, 1] = 0.5
    recipe_loss(name, activation=activation)(logits, torch.zeros_like(logits), weight).backward()
    pull = logits.grad[0, 0]
    assert float(pull[0, 1] / pull[0, 0]) == pytest.approx(0.5, rel=1e-6)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", NAMES)
def test_samples_do_not_see_each_other(name, activation):
    logits, target, weight = drawn(3)
    loss = recipe_loss(name, activation=activation)
    together = loss.per_sample(logits, target, weight)
    for sample in range(2):
        chosen = slice(sample, sample + 1)
        alone = loss.per_sample(logits[chosen], target[chosen], weight[chosen])
        assert float(alone) == pytest.approx(float(together[sample]), rel=1e-12)
    assert float(loss(logits, target, weight)) == pytest.approx(float(together.mean()), rel=1e-12)


def test_a_recipes_loss_is_the_sum_of_its_terms_by_their_weights():
    logits, target, weight = drawn(4)
    single = [float(recipe_loss(name)(logits, target, weight)) for name in ("soft-dice", "soft-bce")]
    both = recipe_loss("soft-dice", "soft-bce", weights=[2.0, 0.5])(logits, target, weight)
    assert float(both) == pytest.approx(2 * single[0] + 0.5 * single[1], rel=1e-12)


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_on_binary_targets_soft_dice_and_the_semimetric_equal_monais_dice(seed):
    logits, target, _ = drawn(seed)
    binary, weight = (target > 0.6).double(), torch.ones_like(target)
    theirs = DiceLoss(sigmoid=True, smooth_nr=1.0, smooth_dr=1.0)(logits, binary)
    probability = torch.sigmoid(logits)
    assert float(soft_dice_loss(probability, binary, weight).mean()) == pytest.approx(float(theirs), rel=1e-12)
    # The semimetric carries its constant in the denominator only.
    plain = DiceLoss(sigmoid=True, smooth_nr=0.0, smooth_dr=0.0, reduction="none")(logits, binary).flatten()
    total = (probability + binary).flatten(1).sum(1)
    expected = plain * total / (total + 1)
    assert torch.allclose(dice_semimetric(probability, binary, weight), expected, rtol=1e-9)


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_the_tversky_index_is_monais(seed):
    logits, target, _ = drawn(seed)
    theirs = TverskyLoss(sigmoid=True, alpha=0.3, beta=0.7, smooth_nr=1.0, smooth_dr=1.0)(logits, target)
    probability, weight = torch.sigmoid(logits), torch.ones_like(target)
    assert float(1 - tversky_index(probability, target, weight).mean()) == pytest.approx(float(theirs), rel=1e-12)


def test_a_missed_voxel_costs_more_than_an_invented_one():
    target = torch.zeros(1, 1, 6, 6, dtype=torch.float64)
    target[..., 1:4, 1:4] = 1
    missed, invented = target.clone(), target.clone()
    missed[..., 1, 1] = 0
    invented[..., 5, 5] = 1
    weight = torch.ones_like(target)
    assert focal_tversky(missed, target, weight) > 1.5 * focal_tversky(invented, target, weight)


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_both_ways_to_cross_entropy_are_that_of_the_formula(seed):
    logits, target, weight = drawn(seed)
    p, t, w = torch.sigmoid(logits).numpy(), target.numpy(), weight.numpy()
    per_voxel = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    expected = [np.average(one, weights=own) for one, own in zip(per_voxel, w, strict=True)]
    np.testing.assert_allclose(cross_entropy_from_logits(logits, target, weight), expected, rtol=1e-9)
    shrunk = soft_cross_entropy(torch.sigmoid(logits), target, weight)
    np.testing.assert_allclose(shrunk, expected, rtol=0.01)


def test_cross_entropy_pulls_a_wrong_certainty_back():
    wrong = torch.tensor([[[[0.0, 1.0]]]], dtype=torch.float64, requires_grad=True)
    target = torch.tensor([[[[1.0, 0.0]]]], dtype=torch.float64)
    soft_cross_entropy(wrong, target, torch.ones_like(target)).sum().backward()
    assert wrong.grad[0, 0, 0, 0] < -100
    assert wrong.grad[0, 0, 0, 1] > 100


@pytest.mark.parametrize("y", [0.0, 0.2, 0.5, 1.0])
def test_the_wing_is_continuous_and_smooth_where_its_parts_join(y):
    def at(distance):
        prediction = torch.tensor(y - distance, dtype=torch.float64)
        return float(wing(prediction, torch.tensor(y, dtype=torch.float64)))

    step = 1e-6
    below, above = at(THETA - step), at(THETA + step)
    assert above - below == pytest.approx(0, abs=1e-4)
    slope_below = (at(THETA - step) - at(THETA - 2 * step)) / step
    slope_above = (at(THETA + 2 * step) - at(THETA + step)) / step
    assert slope_below == pytest.approx(slope_above, rel=1e-3)


def test_the_wing_by_hand():
    # y = 0.6, so the exponent is 1.5; d = 0.25 below θ: 14·ln(1 + 0.125).
    y = torch.tensor(0.6, dtype=torch.float64)
    assert float(wing(torch.tensor(0.35, dtype=torch.float64), y)) == pytest.approx(14 * math.log(1.125), rel=1e-9)
    # d = 0.6 beyond θ: A = 14 · 1/(1 + 0.5^1.5) · 1.5 · 0.5^0.5 = 10.9706, C = 0.5·A − 14·ln(1 + 0.5^1.5) = 1.2465.
    assert float(wing(torch.tensor(0.0, dtype=torch.float64), y)) == pytest.approx(0.6 * 10.9706 - 1.2465, abs=1e-3)


def test_the_weight_map_by_hand_is_eleven_around_labels_of_a_fifth_and_more():
    target = torch.zeros(1, 1, 5, 5, 7)
    target[0, 0, 2, 2, 1] = 0.2
    target[0, 0, 0, 0, 6] = 0.19
    weights = lesion_weight(target)[0, 0]
    assert sorted(weights.unique().tolist()) == [1.0, 11.0]
    expected = torch.ones(5, 5, 7)
    expected[1:4, 1:4, 0:3] = 11.0
    assert torch.equal(weights, expected)


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from([(5, 6, 7), (6, 9)]))
def test_the_weight_map_is_scipys_dilation_cut_at_a_fifth(seed, shape):
    rng = np.random.default_rng(seed)
    target = (rng.random(shape) * (rng.random(shape) < 0.1)).astype(np.float32)
    expected = np.where(grey_dilation(target, size=(3,) * len(shape), mode="constant") >= np.float32(0.2), 11, 1)
    assert (lesion_weight(torch.from_numpy(target)[None, None])[0, 0].numpy() == expected).all()
