"""One pass of a network over a volume, a whole brain or a window of one.

When a device has no room for that, the pass runs in slabs (slabs.py), or a 2D network in smaller groups of slices, with the
same answer, and the log says so.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import torch
from torch import Tensor, nn

from MSSoftSegLib.errors import OutOfMemory
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.inference.slabs import compute_in_slabs
from MSSoftSegLib.network.slices import SliceNetwork

LOGGER = logging.getLogger(__name__)

# For networks that state no ``bytes_per_voxel``. Peak of a whole pass of the shipped network shape: measured 90 (bfloat16) to
# 153 (float32) bytes per voxel of the working grid; the rest is room to spare. Slabs relieve a GPU; in main memory, where
# the feature maps stay, they save little.
BYTES_PER_VOXEL = 250
PIECES = (1, 2, 4, 8, 16)


def predict_logits(network: nn.Module, images: Tensor, device: Device, *, pieces: int | None = None) -> Tensor:
    """Logits (1, 1, z, y, x) float32 in main memory for images (1, c, z, y, x) float32 in main memory.

    network: in evaluation mode. pieces: None finds the fewest that fit, beginning with one. Raises OutOfMemory when not
    even the most pieces do.
    """
    candidates: tuple[int, ...] = PIECES if pieces is None else (pieces,)
    if pieces is None and not fits(network, images, device):
        candidates = PIECES[1:]
    for number in candidates:
        if number > 1:
            LOGGER.warning("not enough memory for this volume at once: going on in %d pieces, same answer", number)
        try:
            return _run(network, images, device, number)
        except (torch.OutOfMemoryError, RuntimeError, MemoryError) as problem:
            if not _is_out_of_memory(problem):
                raise
        _give_back(device)
    raise OutOfMemory(
        f"the images do not fit into the memory of {device.place}, not even in {candidates[-1]} pieces",
        remedy="close other programs, or use --device cpu",
    )


def _run(network: nn.Module, images: Tensor, device: Device, pieces: int) -> Tensor:
    with torch.inference_mode(), device.autocast():
        if pieces > 1 and not isinstance(network, SliceNetwork):
            network.to("cpu")
            with compute_in_slabs(network, pieces=pieces, device=device.place):
                return network(images).float()
        network.to(device.place)
        moved = images.to(device.place).contiguous(memory_format=torch.channels_last_3d)
        with _smaller_groups(network, pieces):
            return network(moved).float().cpu()


@contextmanager
def _smaller_groups(network: nn.Module, pieces: int) -> Iterator[None]:
    """Within this context a 2D network takes fewer slices at once; any other network is left alone."""
    if not isinstance(network, SliceNetwork):
        yield
        return
    before = network.slices_at_once
    network.slices_at_once = max(1, before // pieces)
    try:
        yield
    finally:
        network.slices_at_once = before


def fits(network: nn.Module, images: Tensor, device: Device, *, passes: int = 1) -> bool:
    """Whether main memory has room for so many whole passes at once; a GPU says so itself, by an error that is caught."""
    if device.place.type != "cpu":
        return True
    voxels = images[0, 0].numel()
    if isinstance(network, SliceNetwork):
        voxels = images[0, 0, 0].numel() * network.slices_at_once
    needed = voxels * getattr(network, "bytes_per_voxel", BYTES_PER_VOXEL)
    return passes * needed < psutil.virtual_memory().available


def _is_out_of_memory(problem: BaseException) -> bool:
    """Torch reports a full main memory as a RuntimeError that only its text tells from others."""
    if isinstance(problem, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(problem).lower()
    return "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text


def _give_back(device: Device) -> None:
    gc.collect()
    if device.place.type == "cuda":
        torch.cuda.empty_cache()
