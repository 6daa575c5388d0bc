"""Every network that recipes may name: any size, every weight learns, the published shape and size."""

import pytest
import torch
from monai.networks.nets import DynUNet as MonaiDynUNet
from pydantic import TypeAdapter
from torch import nn

from MSSoftSegLib.network.building import build_network, memory_format
from MSSoftSegLib.network.description import NetworkDescription
from MSSoftSegLib.network.dynunet import DynUNet
from MSSoftSegLib.network.padding import crop, pad
from MSSoftSegLib.training.recipe import find_recipe

FLAT = {
    "unet": {"kind": "unet-2d", "widths": [4, 6, 8]},
    "unet-batch": {"kind": "unet-2d", "widths": [4, 6, 8], "norm": "batch", "dropout": 0.1},
    "linknet": {"kind": "linknet-2d", "layers": [1, 1, 1, 1]},
}
DEEP = {"kind": "dynunet", "filters": [4, 6, 8, 10]}


def built(described, *, channels=2, seed=0):
    torch.manual_seed(seed)
    return build_network(TypeAdapter(NetworkDescription).validate_python(described), input_channels=channels)


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def assert_every_parameter_learns(network):
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("kind", FLAT)
@pytest.mark.parametrize("size", [(37, 21), (64, 96)])
def test_a_2d_network_answers_slices_of_any_size_and_every_parameter_learns(kind, size):
    network = built(FLAT[kind])
    logits = network(torch.randn(3, 2, *size))
    assert logits.shape == (3, 1, *size)
    logits.square().sum().backward()
    assert_every_parameter_learns(network)


@pytest.mark.parametrize("kind", FLAT)
def test_a_volume_is_its_axial_slices_one_by_one(kind):
    network = built(FLAT[kind]).eval()
    network.slices_at_once = 4
    volume = torch.randn(2, 2, 11, 19, 33)
    with torch.inference_mode():
        whole = network(volume)
        slices = torch.stack([network(volume[:, :, z]) for z in range(11)], dim=2)
    assert whole.shape == (2, 1, 11, 19, 33)
    assert torch.allclose(whole, slices, atol=1e-4)
    assert whole.std() > 0


def test_a_slice_does_not_see_its_neighbors():
    network = built(FLAT["unet"]).eval()
    volume = torch.randn(1, 2, 5, 16, 16)
    changed = volume.clone()
    changed[:, :, 3] += 10
    with torch.inference_mode():
        difference = (network(volume) - network(changed)).abs().amax(dim=(0, 1, 3, 4))
    assert difference[3] > 0.1
    assert difference[[0, 1, 2, 4]].max() < 1e-5


@pytest.mark.parametrize("size", [(17, 24, 9), (24, 24, 32)])
def test_a_dynunet_answers_any_size_at_every_depth_and_every_parameter_learns(size):
    network = built(DEEP)
    outputs = network(torch.randn(2, 2, *size))
    assert [tuple(output.shape) for output in outputs] == [(2, 1, *size)] * 2
    sum(output.square().sum() for output in outputs).backward()
    assert_every_parameter_learns(network)
    alone = network.eval()(torch.randn(1, 2, *size))
    assert alone.shape == (1, 1, *size)


def test_the_finest_training_output_is_the_answer_in_use():
    network = built(DEEP)
    images = torch.randn(1, 2, 16, 24, 16)
    assert torch.allclose(network.train()(images)[0], network.eval()(images), atol=1e-5)


def test_without_deep_supervision_training_gives_one_tensor():
    network = built({**DEEP, "deep_supervision": False})
    assert network.train()(torch.randn(1, 2, 16, 16, 16)).shape == (1, 1, 16, 16, 16)


def test_our_dynunet_is_monais_with_the_same_weights():
    filters = [4, 6, 8, 10, 12]
    ours = DynUNet(input_channels=2, filters=filters)
    theirs = MonaiDynUNet(
        spatial_dims=3,
        in_channels=2,
        out_channels=1,
        kernel_size=[3] * 5,
        strides=[1, 2, 2, 2, 2],
        upsample_kernel_size=[2] * 4,
        filters=filters,
        norm_name=("INSTANCE", {"affine": True}),
        deep_supervision=True,
        deep_supr_num=2,
    )
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.3)
    own_names = {name: value for name, value in theirs.state_dict().items() if not name.startswith("skip_layers")}
    ours.load_state_dict(own_names)
    images = torch.randn(2, 2, 48, 64, 48)
    assert torch.allclose(ours.eval()(images), theirs.eval()(images), atol=1e-3)
    coarser = theirs.train()(images)[:, 1]  # MONAI repeats coarse voxels, we interpolate
    assert torch.allclose(ours.train()(images)[1].mean(), coarser.mean(), atol=1e-2)


def test_the_published_network_sizes():
    # 31 million parameters: stated in the thesis (nnU-Net's 3D full resolution with 320 maps at most).
    thesis = find_recipe("barilan-sl")
    with torch.device("meta"):
        assert round(parameters(build_network(thesis.network, input_channels=3)) / 1e6, 1) == 31.2
        linknet = build_network(find_recipe("groza2020").network, input_channels=3)
    # SE-ResNeXt-50 has 27.56 million with its classifier of 1000 classes (2.05 million).
    assert round(parameters(nn.ModuleList([linknet.stem, linknet.stages])) / 1e6, 2) == 25.51


def test_batch_normalization_keeps_running_statistics():
    network = built(FLAT["unet-batch"])
    before = {name: value.clone() for name, value in network.named_buffers()}
    network(torch.randn(4, 2, 32, 32) * 3 + 1)
    assert all(not torch.equal(value, before[name]) for name, value in network.named_buffers())


@pytest.mark.parametrize("described", [*FLAT.values(), DEEP], ids=lambda described: described["kind"])
def test_networks_come_in_their_memory_format(described):
    network = built(described)
    dimensions = 5 if described["kind"] == "dynunet" else 4
    weights = [p for p in network.parameters() if p.ndim == dimensions and p.shape[1] > 1 and p.shape[2] > 1]
    assert weights
    assert all(weight.is_contiguous(memory_format=memory_format(network)) for weight in weights)


def test_padding_adds_background_behind_and_cropping_takes_it_away():
    images = torch.arange(2 * 3 * 5 * 4, dtype=torch.float32).reshape(1, 2, 3, 5, 4) + 1
    larger = pad(images, multiple=4, at_least=8)
    assert larger.shape == (1, 2, 8, 8, 8)
    assert larger.sum() == images.sum()
    assert torch.equal(crop(larger, images), images)
    fitting = torch.zeros(1, 1, 8, 12)
    assert pad(fitting, multiple=4) is fitting
