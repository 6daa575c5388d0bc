"""What one optimizer step and one whole brain cost, from steps of growing size up to the recipe's own or to the time there is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from MSSoftSegLib.jobs.preflight.stopwatch import Stopwatch
from MSSoftSegLib.network.building import build_network
from MSSoftSegLib.training.engine.deep_supervision import deep_supervision_loss
from MSSoftSegLib.training.engine.task import Hardware
from MSSoftSegLib.training.losses.weighted_sum import RecipeLoss
from MSSoftSegLib.training.recipe import Recipe

LONGEST_STEP_S = 1.5
# A line needs two points; a second one that takes longer than this is done without.
LONGEST_SECOND_S = 4.0
# Of a step's time, where there is none to look without learning.
FORWARD_SHARE = 0.3
SIDE_MULTIPLE = 32
# With six levels a DynUNet fills smaller patches up to this.
DYNUNET_SIDE_MULTIPLE = 64
# Sides of smaller steps, in shares of the recipe's patch; slices keep their size, and fewer of them are taken.
SIDE_SHARES = (0.25, 0.5, 0.75)
SLICES = (1, 4)


@dataclass(frozen=True)
class StepCosts:
    """step_s, saved_bytes: of a step of the recipe's size. forward_s_per_voxel: without learning. parameters: of the network."""

    step_s: float
    saved_bytes: float
    forward_s_per_voxel: float
    parameters: int


@dataclass(frozen=True)
class _Measured:
    voxels: int
    seconds: float
    saved_bytes: float
    forward_s: float


def probe_steps(recipe: Recipe, brain: Sequence[int], hardware: Hardware, watch: Stopwatch) -> StepCosts:
    """Measure; brain: voxels of a whole case, for recipes that train on such."""
    network = build_network(recipe.network, input_channels=len(recipe.data.inputs))
    network.to(hardware.accelerator)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    sizes = _sizes(recipe, brain)
    whole = math.prod(sizes[-1])
    found: list[_Measured] = []
    for size in sizes:
        expected_s = _at(found, "seconds", math.prod(size)) if found else 0.0
        if expected_s > (LONGEST_STEP_S if len(found) > 1 else LONGEST_SECOND_S):
            break
        try:
            found.append(_measured(network, recipe, size, hardware, watch))
        except ValueError:
            # A normalization refuses a patch of which so many poolings leave one voxel.
            continue
    last = found[-1]
    step_s = _at(found, "seconds", whole)
    return StepCosts(
        step_s=step_s,
        saved_bytes=_at(found, "saved_bytes", whole),
        forward_s_per_voxel=step_s / whole * last.forward_s / last.seconds,
        parameters=parameters,
    )


def _sizes(recipe: Recipe, brain: Sequence[int]) -> list[tuple[int, ...]]:
    """Batch and sides of steps, from small to the recipe's own."""
    sampling = recipe.sampling
    if sampling.mode == "slice":
        return [(count, *sampling.size) for count in (*SLICES, sampling.batch) if count <= sampling.batch]
    multiple = DYNUNET_SIDE_MULTIPLE if recipe.network.kind == "dynunet" else SIDE_MULTIPLE
    whole = tuple(_rounded(side, multiple) for side in brain) if sampling.mode == "whole" else tuple(sampling.size)
    smaller = [tuple(min(side, _rounded(share * side, multiple)) for side in whole) for share in SIDE_SHARES]
    sizes = [(1, *sides) for sides in dict.fromkeys(smaller)] + [(sampling.batch, *whole)]
    return sorted(dict.fromkeys(sizes), key=math.prod)


def _rounded(side: float, multiple: int) -> int:
    return multiple * max(1, math.ceil(side / multiple))


def _at(found: Sequence[_Measured], what: str, voxels: int) -> float:
    """The line through the two largest steps, at another size; never below what was measured."""
    last = found[-1]
    value = float(getattr(last, what))
    if len(found) == 1 or last.voxels == voxels:
        return value * voxels / last.voxels
    before = found[-2]
    slope = (value - float(getattr(before, what))) / (last.voxels - before.voxels)
    return max(value, value + slope * (voxels - last.voxels))


def _measured(
    network: nn.Module, recipe: Recipe, size: tuple[int, ...], hardware: Hardware, watch: Stopwatch
) -> _Measured:
    """One step, and one look at the same images."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-6)
    criterion = RecipeLoss(recipe.loss, recipe.activation)
    batch, *sides = size
    images = torch.randn(batch, len(recipe.data.inputs), *sides, device=hardware.accelerator)
    layout = torch.channels_last_3d if images.ndim == 5 else torch.channels_last
    images = images.contiguous(memory_format=layout)
    label = (images[:, :1] > 2).float()
    weight, of_samples = torch.ones_like(label), torch.ones(batch, device=images.device)
    saved = _SavedTensors(network)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with saved.counted(), _autocast(hardware):
            outputs = network(images)
        deep_supervision_loss(outputs, label, weight, of_samples, criterion).backward()
        optimizer.step()

    def look() -> None:
        with torch.inference_mode(), _autocast(hardware):
            network(images)

    network.train()
    seconds = watch.seconds(step)
    # What is done for the first time takes longer; a long step is not taken twice for that.
    forward_s = FORWARD_SHARE * seconds
    if seconds < LONGEST_STEP_S:
        seconds = min(seconds, watch.seconds(step))
        network.eval()
        forward_s = min(watch.seconds(look), seconds)
    return _Measured(math.prod(size), seconds, saved.bytes, forward_s)


class _SavedTensors:
    """Counts what a forward pass keeps for the backward one, but for the network itself."""

    def __init__(self, network: nn.Module) -> None:
        self.bytes = 0.0
        self._own = {tuple(parameter.shape) for parameter in network.parameters()}

    @contextmanager
    def counted(self) -> Iterator[None]:
        """While this lasts."""
        seen: dict[int, int] = {}

        def note(tensor: Tensor) -> Tensor:
            if tuple(tensor.shape) not in self._own:
                storage = tensor.untyped_storage()
                seen[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            yield
        self.bytes = float(sum(seen.values()))


def _autocast(hardware: Hardware) -> torch.autocast:
    low = hardware.precision.startswith("bf16") and hardware.accelerator != "mps"
    return torch.autocast(hardware.accelerator if low else "cpu", torch.bfloat16, enabled=low)
