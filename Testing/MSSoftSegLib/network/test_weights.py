"""Weights on disk: every kind of network comes back as it was, to 16 bits."""

import pytest
import torch
from safetensors.torch import load_file

from MSSoftSegLib.network.bundle import read_bundle
from MSSoftSegLib.network.weights import load_networks, save_weights
from Testing.MSSoftSegLib.network.bundles import write_random_bundle

KINDS = {
    "lesion-unet": {"kind": "lesion-unet", "widths": [4, 6]},
    "unet-2d": {"kind": "unet-2d", "widths": [4, 6, 8]},
    "unet-2d-batch": {"kind": "unet-2d", "widths": [4, 6, 8], "norm": "batch"},
    "linknet-2d": {"kind": "linknet-2d", "layers": [1, 1, 1, 1]},
    "dynunet": {"kind": "dynunet", "filters": [4, 6, 8]},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_network_answers_as_before_to_sixteen_bits(kind, tmp_path):
    images = torch.randn(1, 3, 8, 32, 32, generator=torch.Generator().manual_seed(1))
    before = []

    def use(network):
        with torch.no_grad():
            slices = images[0].transpose(0, 1) * 30 + 5
            for _ in range(3):  # moves running statistics away from where they start
                network.train()(slices if kind.endswith(("2d", "batch")) else images)
            before.append(torch.sigmoid(network.eval()(images)))

    folder = write_random_bundle(tmp_path / "model", network=KINDS[kind], prepare=use)
    (network,) = load_networks(read_bundle(folder))
    with torch.no_grad():
        after = torch.sigmoid(network(images))
    assert before[0].std() > 1e-3
    assert torch.allclose(before[0], after, atol=0.02)
    assert float((before[0] - after).abs().mean()) < 2e-3
    assert all(parameter.dtype is torch.float32 for parameter in network.parameters())


def test_running_statistics_and_counters_keep_their_type_and_value(tmp_path):
    def run(network):
        with torch.no_grad():
            network(torch.randn(2, 3, 16, 16) * 1000)

    folder = write_random_bundle(tmp_path / "model", network=KINDS["unet-2d-batch"], prepare=run)
    state = load_file(str(folder / "weights.safetensors"))
    kinds = {name: tensor.dtype for name, tensor in state.items()}
    assert {kinds[name] for name in kinds if name.endswith("weight")} == {torch.float16}
    assert {kinds[name] for name in kinds if name.endswith("running_var")} == {torch.float32}
    counters = [state[name] for name in kinds if name.endswith("num_batches_tracked")]
    assert counters
    assert all(int(counter) == 1 for counter in counters)
    # The variance of such images is far above what 16 bits hold.
    assert max(float(state[name].max()) for name in kinds if name.endswith("running_var")) > 65504


def test_a_weight_that_sixteen_bits_cannot_hold_is_an_error(tmp_path):
    layer = torch.nn.Linear(2, 1)
    layer.weight.data[0, 0] = 1e6
    with pytest.raises(ValueError, match="weight does not fit into 16 bits"):
        save_weights(layer, tmp_path / "weights.safetensors")
    assert not (tmp_path / "weights.safetensors").exists()
