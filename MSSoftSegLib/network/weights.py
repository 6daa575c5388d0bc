"""Weights on disk: safetensors in 16 bits, never a pickle."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from MSSoftSegLib.errors import BadBundle
from MSSoftSegLib.network.building import build_network
from MSSoftSegLib.network.bundle import Bundle, verify


def save_weights(network: nn.Module, path: Path) -> None:
    """Write parameters in float16; a value that 16 bits cannot hold is an error, not an infinity.

    Buffers (running statistics, counters) keep their type: they are few, and a variance has no bound.
    """
    parameters = {name for name, _ in network.named_parameters(remove_duplicate=False)}
    state = {}
    for name, tensor in network.state_dict().items():
        kind = torch.float16 if name in parameters else tensor.dtype
        state[name] = tensor.detach().to("cpu", kind).contiguous()
        if not torch.isfinite(state[name]).all():
            raise ValueError(f"{name} does not fit into 16 bits")
    save_file(state, str(path))


def load_networks(bundle: Bundle) -> list[nn.Module]:
    """The bundle's networks, one per weight file, float32 in evaluation mode; checksums are checked first."""
    verify(bundle)
    networks: list[nn.Module] = []
    for file in bundle.description.files:
        description = bundle.description
        network = build_network(description.network, input_channels=len(description.inputs))
        try:
            state = load_file(str(bundle.folder / file.name))
            network.load_state_dict(state)  # which widens to the network's own float32
        except (SafetensorError, RuntimeError) as problem:
            raise BadBundle(
                f"{bundle.folder.name}: {file.name} does not fit the network that model.json describes",
                remedy="get the bundle again from its source",
            ) from problem
        networks.append(network.eval())
    return networks
