"""Layers that compute in another order than the textbook give the textbook's numbers, forwards and backwards."""

import pytest
import torch
from torch import nn

from MSSoftSegLib.network import normalization
from MSSoftSegLib.network.dynunet import DynUNet
from MSSoftSegLib.network.normalization import SampleNorm, fits_rows, moments
from MSSoftSegLib.network.pair_convolution import PairConv3d, split_pairs, view_in_pairs

LAST = torch.channels_last_3d
SIXTEEN, FULL = torch.bfloat16, torch.float32
# What a number of size 1 is rounded by; a normalized feature is at most a few of these sizes.
ROUNDING = {SIXTEEN: 2**-8, FULL: 2**-20}


def textbook(channels, ours):
    layers = nn.Sequential(nn.InstanceNorm3d(channels, affine=True), nn.LeakyReLU(0.01)).double()
    layers[0].weight.data, layers[0].bias.data = ours.weight.data.double(), ours.bias.data.double()
    return layers


@pytest.mark.parametrize("kind", [SIXTEEN, FULL])
@pytest.mark.parametrize("shape", [(2, 8, 4, 6, 8), (1, 3, 3, 5, 7), (3, 1, 2, 2, 3), (2, 24, 3, 3, 3)])
def test_a_normalized_and_activated_layer_and_its_gradients_are_the_textbooks(kind, shape):
    torch.manual_seed(sum(shape))
    channels = shape[1]
    # Means far from zero, as after a bias field: the variance must not drown in them.
    features = (torch.randn(shape) * 3 + 8 * torch.randn(1, channels, 1, 1, 1)).to(kind).contiguous(memory_format=LAST)
    ours = SampleNorm(channels, negative_slope=0.01)
    nn.init.normal_(ours.weight)
    nn.init.normal_(ours.bias)
    theirs = textbook(channels, ours)
    upstream = torch.randn(shape).to(kind)
    here, there = (
        features.clone(memory_format=torch.preserve_format).requires_grad_(),
        features.double().requires_grad_(),
    )
    answer, expected = ours(here), theirs(there)
    assert answer.dtype is kind
    assert answer.is_contiguous(memory_format=LAST)
    assert (answer - expected).abs().max() < 2 * ROUNDING[kind] * expected.abs().max()
    answer.backward(upstream)
    expected.backward(upstream.double())
    # A feature that rounding carries over the kink has the other slope: few, and not by much.
    off = (here.grad - there.grad).abs() / there.grad.abs().max()
    assert off.mean() < 2 * ROUNDING[kind]
    for own, its in ((ours.weight.grad, theirs[0].weight.grad), (ours.bias.grad, theirs[0].bias.grad)):
        assert (own - its).abs().max() < 4 * ROUNDING[kind] * upstream[:, 0].numel() ** 0.5 * (1 + its.abs().max() / 10)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("kind", [SIXTEEN, FULL])
@pytest.mark.parametrize(
    "shape", [(1, 8, 32, 32, 32), (2, 8, 5, 6, 7), (1, 3, 3, 5, 7), (1, 1, 2, 2, 2), (2, 64, 3, 3, 3)]
)
def test_a_layer_in_use_is_the_textbooks(kind, shape):
    torch.manual_seed(sum(shape))
    features = (torch.randn(shape) * 3 + 8 * torch.randn(1, shape[1], 1, 1, 1)).to(kind).contiguous(memory_format=LAST)
    ours = SampleNorm(shape[1], negative_slope=0.01)
    nn.init.normal_(ours.weight)
    nn.init.normal_(ours.bias)
    before = features.clone()
    with torch.inference_mode():
        assert fits_rows(features[:1])
        answer, expected = ours(features), textbook(shape[1], ours)(features.double())
    assert answer.dtype is kind
    assert answer.is_contiguous(memory_format=LAST)
    assert torch.equal(features, before)
    assert (answer - expected).abs().max() < 2 * ROUNDING[kind] * expected.abs().max()


def test_statistics_are_exact_where_most_voxels_are_alike_on_any_number_of_threads(threads):
    """One long sum in float32 of such a volume is off by percents, and by others on another number of threads."""
    volume = torch.full((1, 8, 64, 128, 128), 11.03)
    volume[..., :40] += torch.randn(1, 8, 64, 128, 40, generator=torch.Generator().manual_seed(0))
    volume = volume.to(SIXTEEN).contiguous(memory_format=LAST)
    exact_mean, exact_variance = volume.double().mean((0, 2, 3, 4)), volume.double().var((0, 2, 3, 4), unbiased=False)
    layer = SampleNorm(8, negative_slope=0.01)
    answers = []
    for number in (1, 2):
        threads(number)
        with torch.inference_mode():
            mean, variance = moments(volume.permute(0, 2, 3, 4, 1).reshape(-1, 512 * 8), 8)
            answers.append(layer(volume).float())
        assert ((mean - exact_mean).abs() / exact_variance.sqrt()).max() < 1e-4
        assert (variance / exact_variance - 1).abs().max() < 1e-4
    # At most the last of a bfloat16's digits.
    assert (answers[0] - answers[1]).abs().max() <= 2**-7 * answers[0].abs().max()


def test_pairs_are_a_view_and_come_apart_again():
    features = torch.randn(2, 3, 2, 3, 4).contiguous(memory_format=LAST)
    pairs = view_in_pairs(features)
    assert pairs.data_ptr() == features.data_ptr()
    assert torch.equal(pairs[:, :3], features[..., 0::2])
    assert torch.equal(pairs[:, 3:], features[..., 1::2])
    assert torch.equal(split_pairs(pairs), features)


@pytest.mark.parametrize(("inputs", "width"), [(3, 8), (8, 6), (8, 7), (16, 8)])
def test_a_convolution_on_pairs_is_the_convolution(inputs, width):
    torch.manual_seed(1)
    layer = PairConv3d(inputs, 8)
    features = torch.randn(2, inputs, 4, 5, width).contiguous(memory_format=LAST)
    expected = nn.functional.conv3d(features, layer.weight, padding=1)
    upstream = torch.randn_like(expected)
    (expected * upstream).sum().backward()
    wanted = layer.weight.grad.clone()
    layer.zero_grad()
    with torch.autocast("cpu", SIXTEEN):
        found = layer(features)
    (found.float() * upstream).sum().backward()
    assert (found - expected).abs().max() < 0.02 * expected.abs().max()
    assert (layer.weight.grad - wanted).abs().max() < 0.02 * wanted.abs().max()


def test_fast_layers_lose_no_more_to_sixteen_bits_than_plain_ones_do(monkeypatch):
    torch.manual_seed(0)
    network = DynUNet(input_channels=3, filters=[8, 16, 32, 64], deep_supervision=False).to(memory_format=LAST).eval()
    for name, parameter in network.named_parameters():
        if "norm" in name:  # they start as ones and zeros
            nn.init.normal_(parameter, mean=1.0 if name.endswith("weight") else 0.0, std=0.2)
    images = nn.functional.avg_pool3d(torch.randn(1, 3, 34, 34, 34), 3, 1) * 5
    images = images.contiguous(memory_format=LAST)

    def answer(*, sixteen):
        with torch.inference_mode(), torch.autocast("cpu", SIXTEEN, enabled=sixteen):
            return torch.sigmoid(network(images).float())

    fast = answer(sixteen=True)
    monkeypatch.setattr(PairConv3d, "_faster_in_pairs", lambda self, features: False)
    monkeypatch.setattr(normalization, "fits_rows", lambda sample: False)
    plain, exact = answer(sixteen=True), answer(sixteen=False)
    assert exact.std() > 0.05
    assert (fast - exact).abs().mean() <= 1.1 * (plain - exact).abs().mean()
    assert (fast - exact).abs().max() <= 1.5 * (plain - exact).abs().max()
    both = ((fast >= 0.5) & (plain >= 0.5)).sum() * 2
    assert both / ((fast >= 0.5).sum() + (plain >= 0.5).sum()) >= 0.99
