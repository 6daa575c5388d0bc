"""Weights on disk: safetensors in 16 bits, never a pickle."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from MSSoftSegLib.errors import BadBundle
from MSSoftSegLib.network.architecture import LesionUNet
from MSSoftSegLib.network.bundle import Bundle, verify
from MSSoftSegLib.network.description import ModelDescription


def build_network(description: ModelDescription) -> LesionUNet:
    """The network that a description speaks of, with random weights."""
    return LesionUNet(input_channels=len(description.inputs), widths=description.network.widths)


def save_weights(network: nn.Module, path: Path) -> None:
    """Write float16 weights; a value that 16 bits cannot hold is an error, not an infinity."""
    state = {name: tensor.detach().to(torch.float16).contiguous() for name, tensor in network.state_dict().items()}
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{name} does not fit into 16 bits")
    save_file(state, str(path))


def load_networks(bundle: Bundle) -> list[nn.Module]:
    """The bundle's networks, one per weight file, float32 in evaluation mode; checksums are checked first."""
    verify(bundle)
    networks: list[nn.Module] = []
    for file in bundle.description.files:
        network = build_network(bundle.description)
        try:
            state = load_file(str(bundle.folder / file.name))
            network.load_state_dict({name: tensor.float() for name, tensor in state.items()})
        except (SafetensorError, RuntimeError) as problem:
            raise BadBundle(
                f"{bundle.folder.name}: {file.name} does not fit the network that model.json describes",
                remedy="get the bundle again from its source",
            ) from problem
        network.eval()
        networks.append(network.to(memory_format=torch.channels_last_3d))  # type: ignore[call-overload]
    return networks
