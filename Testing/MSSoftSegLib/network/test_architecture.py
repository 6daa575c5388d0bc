"""The network: what folds unfolds, normalisation is per image, shapes come back."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from MSSoftSegLib.network.architecture import LesionUNet, depth_to_space, space_to_depth
from MSSoftSegLib.network.dynunet import DynUNet
from MSSoftSegLib.network.normalization import SampleNorm


def test_depth_to_space_undoes_space_to_depth_voxel_by_voxel():
    images = torch.arange(2 * 3 * 4 * 6 * 8, dtype=torch.float32).reshape(2, 3, 4, 6, 8)
    folded = space_to_depth(images)
    assert folded.shape == (2, 24, 2, 3, 4)
    assert torch.equal(depth_to_space(folded), images)


def test_each_folded_channel_is_one_corner_of_the_two_by_two_cubes():
    images = torch.zeros(1, 1, 2, 2, 2)
    images[0, 0, 1, 0, 1] = 7.0  # corner (z, y, x) = (1, 0, 1): channel 4·1 + 2·0 + 1
    assert space_to_depth(images)[0, :, 0, 0, 0].tolist() == [0, 0, 0, 0, 0, 7.0, 0, 0]


@settings(max_examples=20)
@given(batch=st.integers(1, 3), channels=st.integers(1, 4), seed=st.integers(0, 1000))
def test_sample_norm_equals_torch_instance_norm(batch, channels, seed):
    torch.manual_seed(seed)
    features = torch.randn(batch, channels, 4, 5, 6) * 3 + 2
    ours, theirs = SampleNorm(channels), nn.InstanceNorm3d(channels, affine=True)
    for layer in (ours, theirs):
        layer.weight.data = torch.linspace(0.5, 1.5, channels)
        layer.bias.data = torch.linspace(-1, 1, channels)
    assert torch.allclose(ours(features), theirs(features), atol=1e-5)


def test_a_sample_is_normalized_by_itself_whatever_else_is_in_the_batch():
    torch.manual_seed(0)
    network = LesionUNet(input_channels=3, widths=(4, 8)).eval()
    first, second = torch.randn(1, 3, 8, 8, 8), torch.randn(1, 3, 8, 8, 8) * 10
    together = network(torch.cat([first, second]))
    assert torch.allclose(together[:1], network(first), atol=1e-5)


def test_the_network_ignores_the_scanner_gain_after_its_first_normalization():
    torch.manual_seed(0)
    network = LesionUNet(input_channels=1, widths=(4, 8)).eval()
    network.head.weight.data[:, -1] = 0  # the skip of the raw image is meant to see the gain
    images = torch.randn(1, 1, 8, 8, 8)
    assert torch.allclose(network(images), network(images * 5), atol=1e-3)


@pytest.mark.parametrize("shape", [(32, 32, 32), (32, 16, 48)])
def test_logits_have_the_shape_of_the_images(shape):
    network = LesionUNet(input_channels=3, widths=(4, 6, 8, 10))
    assert network.multiple == 16
    assert network(torch.randn(1, 3, *shape)).shape == (1, 1, *shape)


def unclean_memory():
    """Leaves freed memory full of NaN, so that what is never written shows."""
    for kind in (torch.float32, torch.bfloat16):
        blocks = [torch.full((4**power,), float("nan"), dtype=kind) for power in range(3, 9)]
        del blocks


@pytest.mark.parametrize("network_kind", ["lesion-unet", "dynunet"])
def test_thin_features_learn_clean_gradients_in_sixteen_bits(network_kind):
    torch.manual_seed(0)
    described = {"lesion-unet": {"widths": (4, 8, 16)}, "dynunet": {"filters": (4, 8, 16)}}[network_kind]
    network = (LesionUNet if network_kind == "lesion-unet" else DynUNet)(input_channels=3, **described)
    network.to(memory_format=torch.channels_last_3d)
    # At the coarsest level 16 voxels of depth are two slices (lesion U-Net); a DynUNet pads 8 to three.
    images = torch.randn(1, 3, 16 if network_kind == "lesion-unet" else 8, 24, 24)
    for _ in range(20):
        unclean_memory()
        with torch.autocast("cpu", torch.bfloat16):
            outputs = network(images)
        loss = sum(output.float().square().mean() for output in (outputs if isinstance(outputs, tuple) else [outputs]))
        unclean_memory()
        network.zero_grad()
        loss.backward()
        assert all(torch.isfinite(parameter.grad).all() for parameter in network.parameters())
