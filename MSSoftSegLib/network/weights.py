"""Weights on disk: safetensors in 16 bits, never a pickle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
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
    # Not built without memory, as for a check: the first use of that costs a second of every job.
    network = _build(bundle)
    for state in _read_weights(bundle, network):
        network = _build(bundle) if networks else network
        network.load_state_dict(state)  # which widens to the network's own float32
        networks.append(network.eval())
    return networks


def check_weights(bundle: Bundle) -> None:
    """Checksums, shapes and values of every weight file; BadBundle where one does not hold. No network is built for it."""
    verify(bundle)
    with torch.device("meta"):
        shapes = _build(bundle)
    for _ in _read_weights(bundle, shapes):
        pass


def _build(bundle: Bundle) -> nn.Module:
    return build_network(bundle.description.network, input_channels=len(bundle.description.inputs))


def _read_weights(bundle: Bundle, network: nn.Module) -> Iterator[dict[str, torch.Tensor]]:
    """What each weight file holds, in their order; a file's own header is compared with the network's shapes before
    the rest of it is read."""
    wanted = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    for file in bundle.description.files:
        path = str(bundle.folder / file.name)
        try:
            with safe_open(path, framework="pt") as opened:
                fits = wanted == {name: opened.get_slice(name).get_shape() for name in opened.keys()}  # noqa: SIM118
            state = load_file(path) if fits else {}
        except (SafetensorError, RuntimeError):
            fits = False
        if not fits:
            raise BadBundle(
                f"{bundle.folder.name}: {file.name} does not fit the network that model.json describes",
                remedy="get the bundle again from its source",
            )
        if not all(torch.isfinite(tensor).all() for tensor in state.values()):
            raise BadBundle(
                f"{bundle.folder.name}: {file.name} holds values that are not finite numbers",
                remedy="get the bundle again from its source, or train it again",
            )
        yield state
