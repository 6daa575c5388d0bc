"""The last activation: samples do not see each other, noise is not stretched, temperature bends without breaking."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from MSSoftSegLib.network.activation import probability

seeds = st.integers(0, 10_000)


def responses(seed, *, scale=3.0, shape=(2, 1, 3, 4, 5)):
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(max_examples=30)
@given(seeds, st.floats(0.2, 5.0))
def test_sigmoid_is_scipys_of_the_logit_over_the_temperature(seed, temperature):
    x = responses(seed)
    found = probability(x, name="sigmoid", temperature=temperature)
    np.testing.assert_allclose(found.numpy(), expit(x.numpy() / temperature), rtol=1e-12)


@settings(max_examples=30)
@given(seeds)
def test_the_strongest_response_of_each_sample_becomes_one_whatever_else_is_in_the_batch(seed):
    x = responses(seed)
    x[1] *= 40
    found = probability(x, name="normalized-relu")
    assert found.amin() >= 0
    assert found.flatten(1).amax(1).tolist() == [1.0, 1.0]
    assert torch.equal(found[:1], probability(x[:1], name="normalized-relu"))


def test_a_sample_of_noise_below_the_floor_stays_small():
    x = responses(3, scale=0.01)
    assert probability(x, name="normalized-relu", floor=1.0).max() < 0.05
    assert probability(x, name="normalized-relu", floor=1e-6).max() == 1.0


def test_a_sample_without_any_response_is_zero_and_finite():
    x = -responses(0).abs()
    x.requires_grad_()
    found = probability(x, name="normalized-relu")
    found.sum().backward()
    assert torch.equal(found, torch.zeros_like(found))
    assert torch.isfinite(x.grad).all()


def test_the_gradient_flows_through_the_maximum():
    x = torch.tensor([[1.0, 2.0, 4.0]], dtype=torch.float64, requires_grad=True)
    probability(x, name="normalized-relu")[0, 0].backward()
    # y = x0 / x2: ∂y/∂x0 = 1/4 and ∂y/∂x2 = −1/16.
    assert x.grad.tolist() == [[0.25, 0.0, -0.0625]]


@settings(max_examples=30)
@given(seeds, st.floats(0.3, 4.0))
def test_temperature_of_normalized_relu_divides_the_log_odds_and_leaves_zero_and_one(seed, temperature):
    x = responses(seed)
    plain = probability(x, name="normalized-relu").numpy()
    found = probability(x, name="normalized-relu", temperature=temperature).numpy()
    np.testing.assert_allclose(found, expit(logit(plain) / temperature), rtol=1e-9, atol=1e-12)
    assert (found[plain == 0] == 0).all()
    assert (found[plain == 1] == 1).all()


@pytest.mark.parametrize("name", ["sigmoid", "normalized-relu"])
def test_sixteen_bit_logits_give_thirty_two_bit_probabilities(name):
    assert probability(responses(0).bfloat16(), name=name).dtype is torch.float32


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="softplus"):
        probability(torch.zeros(1, 1), name="softplus")
