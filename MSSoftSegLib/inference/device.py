"""Where the network runs, and in which precision."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

from MSSoftSegLib.errors import DeviceMissing, RequestError


@dataclass(frozen=True)
class Device:
    """A torch device and the type in which its convolutions compute."""

    place: torch.device
    precision: torch.dtype

    def autocast(self) -> AbstractContextManager[object]:
        """The context in which the network is called."""
        if self.precision is torch.float32:
            return nullcontext()
        return torch.autocast(self.place.type, self.precision)

    def __str__(self) -> str:
        return f"{self.place} {str(self.precision).removeprefix('torch.')}"


def choose_device(request: str) -> Device:
    """The device for 'auto', 'cpu', 'cuda', 'cuda:N' or 'mps'; DeviceMissing where it is not there, RequestError for
    anything else."""
    if request == "auto":
        request = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if request == "cpu":
        return Device(torch.device("cpu"), torch.bfloat16 if processor_has_bfloat16() else torch.float32)
    if request == "mps":
        if not torch.backends.mps.is_available():
            raise DeviceMissing("this machine has no MPS device", remedy="use --device cpu")
        return Device(torch.device("mps"), torch.float32)
    kind, _, number = request.partition(":")
    if kind != "cuda" or (number and not number.isdigit()):
        raise RequestError(f"{request!r} names no device", remedy="use auto, cpu, cuda, cuda:N or mps")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(number or 0) >= count:
        raise DeviceMissing(
            f"{request} is not there: this machine has {count} CUDA devices", remedy="use --device auto or cpu"
        )
    device = torch.device(request)
    return Device(device, torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float32)


def processor_has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware; emulated, it would be slower than float32."""
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)
