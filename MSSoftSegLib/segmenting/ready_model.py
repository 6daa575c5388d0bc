"""A model that can be asked: its bundle, its networks in memory, and where they run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from MSSoftSegLib.inference.device import Device, choose_device
from MSSoftSegLib.network.bundle import Bundle
from MSSoftSegLib.network.catalog import find_bundle
from MSSoftSegLib.network.weights import load_networks


@dataclass(frozen=True)
class ReadyModel:
    """networks: float32 in evaluation mode, one for each weight file of the bundle."""

    bundle: Bundle
    networks: Sequence[nn.Module]
    device: Device


def open_model(name_or_folder: str, *, device: str) -> ReadyModel:
    """Find the device and the bundle, check its checksums, load its weights.

    DeviceMissing where the device is not there, RequestError where no model is called so, BadBundle where it is damaged.
    """
    place = choose_device(device)
    bundle = find_bundle(name_or_folder)
    return ReadyModel(bundle, load_networks(bundle), place)
