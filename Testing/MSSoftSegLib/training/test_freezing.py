"""Frozen parts of a network do not learn, bit by bit, running statistics included; the rest does."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.network.building import build_network
from MSSoftSegLib.training.engine.freezing import freeze
from Testing.MSSoftSegLib.training.tiny_recipes import tiny_recipe
from Testing.MSSoftSegLib.training.trainings import small_task, train

RECIPE = tiny_recipe(network={"kind": "unet-2d", "widths": [8, 16], "norm": "batch"}, training__average_decay=0.5)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Before and after two epochs with the encoder frozen."""
    folder = tmp_path_factory.mktemp("frozen")
    torch.manual_seed(4)
    start = folder / "start.safetensors"
    # Some networks keep their weights channels last, which safetensors does not take.
    state = build_network(RECIPE.network, input_channels=3).state_dict()
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, str(start))
    task = replace(small_task(folder, RECIPE), initial_weights=start, frozen=("encoder",))
    train(task)
    return load_file(str(start)), load_file(str(task.best_weights))


def test_a_frozen_encoder_is_the_same_bit_by_bit(weights):
    before, after = weights
    names = [name for name in before if name.startswith("encoder.")]
    assert any("running_var" in name for name in names), "running statistics are part of the question"
    for name in names:
        assert torch.equal(before[name], after[name]), name


def test_what_is_not_frozen_learns(weights):
    before, after = weights
    for part in ("decoder.0.0.weight", "up.0.weight", "head.weight"):
        assert not torch.equal(before[part], after[part]), part


def test_a_part_that_the_network_does_not_have_cannot_be_frozen():
    network = build_network(RECIPE.network, input_channels=3)
    with pytest.raises(RequestError, match="'encode'"):
        freeze(network, ("encode",))


def test_a_name_is_a_whole_part_and_not_the_beginning_of_another():
    network = build_network(RECIPE.network, input_channels=3)
    freeze(network, ("decoder.0",))
    frozen = {name for name, parameter in network.named_parameters() if not parameter.requires_grad}
    assert frozen == {name for name, _ in network.named_parameters() if name.startswith("decoder.0.")}
    freeze(network, ())
    assert all(parameter.requires_grad for parameter in network.parameters())
