"""How fast this machine would train by a recipe, measured in a few seconds: a case made ready, samples drawn, steps taken.

Where a whole step takes longer than there is time, a smaller patch is trained on and its time scaled by the voxels.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from MSSoftSegLib.evaluation.overlap import dice
from MSSoftSegLib.inference.sliding_window import OVERLAP
from MSSoftSegLib.jobs.preflight_checks.rates import Rates
from MSSoftSegLib.library.labelled_case import LabelledCase
from MSSoftSegLib.network.building import build_network
from MSSoftSegLib.training.data.prepared import prepare_cases
from MSSoftSegLib.training.data.prepared_case import PreparedCase, write_prepared
from MSSoftSegLib.training.data.stream import SampleStream
from MSSoftSegLib.training.engine.deep_supervision import supervised_loss
from MSSoftSegLib.training.engine.task import Hardware
from MSSoftSegLib.training.losses.weighted_sum import RecipeLoss
from MSSoftSegLib.training.recipe import Recipe

# An adult's brain with its margin, z, y, x in mm; for cases whose brain is not known yet.
BRAIN_MM = (160, 192, 160)
LONGEST_STEP_S = 1.5
LONGEST_SAMPLING_S = 1.0
# In shares of the recipe's patch, a side each; sides stay multiples of this.
SCALES = (0.25, 0.5, 1.0)
SIDE_MULTIPLE = 32
COMPARISONS = 25


@dataclass(frozen=True)
class Probe:
    """rates: as far as they were measured. brain: voxels of the case's working grid (z, y, x). bytes_per_step: memory that a
    step holds beside the network. parameters: of the network."""

    rates: Rates
    brain: tuple[int, int, int]
    bytes_per_step: float
    parameters: int


def probe(recipe: Recipe, example: LabelledCase | None, hardware: Hardware) -> Probe:
    """Measure; example: a preprocessed case of the training, None where all have to be preprocessed yet."""
    with tempfile.TemporaryDirectory(prefix="mssoftseg-probe-") as folder, _threads_of_a_training(hardware):
        case, preparing_s = _case(recipe, example, Path(folder))
        sample_s = _sample_s(case, recipe)
        network = build_network(recipe.network, input_channels=len(recipe.data.inputs))
        network.to(hardware.accelerator)
        trained = _trained_step(network, recipe, hardware, case)
        forward_s = _forward_s(network, recipe, hardware, case)
        judged_s = forward_s + COMPARISONS * _comparison_s(case)
        # Samples are made by other processes meanwhile: the slower of the two decides.
        step_s = max(trained.seconds, sample_s * recipe.sampling.batch / max(1, hardware.workers))
        rates = Rates(step_s, judged_s, judged_s, preparing_s, start_s=sample_s * recipe.sampling.batch)
        parameters = sum(parameter.numel() for parameter in network.parameters())
    return Probe(rates, case.shape, trained.saved_bytes, parameters)


@contextmanager
def _threads_of_a_training(hardware: Hardware) -> Iterator[None]:
    """As many threads as the training's steps get (training/engine/launch.py)."""
    before = torch.get_num_threads()
    if hardware.accelerator == "cpu" and hardware.workers:
        torch.set_num_threads(max(1, before - hardware.workers))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _case(recipe: Recipe, example: LabelledCase | None, folder: Path) -> tuple[PreparedCase, float | None]:
    if example is not None:
        began_s = time.monotonic()
        (case,) = prepare_cases([example], recipe, folder)
        return case, time.monotonic() - began_s
    return _random_case(recipe, folder), None


def _random_case(recipe: Recipe, folder: Path) -> PreparedCase:
    """A brain of noise with some lesions."""
    z, y, x = (max(32, round(side / recipe.data.spacing_mm)) for side in BRAIN_MM)
    rng = np.random.default_rng(0)
    label = np.zeros((z, y, x), np.float32)
    starts = [0]
    voxels: list[np.ndarray] = []
    for center in rng.uniform(0.3, 0.7, size=(8, 3)):
        corner = [int(share * side) for share, side in zip(center, label.shape, strict=True)]
        box = tuple(slice(place, place + 4) for place in corner)
        label[box] = 1.0
        voxels.append(
            np.ravel_multi_index(np.indices((4, 4, 4)).reshape(3, -1) + np.array(corner)[:, None], label.shape)
        )
        starts.append(starts[-1] + voxels[-1].size)
    arrays = {
        "images": rng.standard_normal((len(recipe.data.inputs), z, y, x), np.float32),
        "label": label,
        "brain": np.ones(label.shape, bool),
        "brain_voxels": np.arange(label.size, dtype=np.int32),
        "lesion_voxels": np.concatenate(voxels).astype(np.int32),
        "lesion_starts": np.array(starts, np.int32),
        "rater-0": label,
    }
    case = PreparedCase("probe", "probe", folder, (z, y, x), recipe.data.spacing_mm, 1.0, 1.0, False, ("probe",))
    write_prepared(folder, arrays, case, "probe")
    return case


def _sample_s(case: PreparedCase, recipe: Recipe) -> float:
    """Seconds that one sample takes to draw; the first, which warms the caches up, is not counted."""
    stream = SampleStream([case], recipe, seed=0)
    stream[0]
    began_s, count = time.monotonic(), 0
    while count < 2 or (time.monotonic() - began_s < LONGEST_SAMPLING_S and count < 16):
        count += 1
        stream[count]
    return (time.monotonic() - began_s) / count


@dataclass(frozen=True)
class _Step:
    seconds: float
    saved_bytes: float


def _trained_step(network: nn.Module, recipe: Recipe, hardware: Hardware, case: PreparedCase) -> _Step:
    """One optimizer step of the recipe's size, taken at the largest scale that there is time for."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-6)
    criterion = RecipeLoss(recipe.loss, recipe.activation)
    whole = _sample_size(recipe, case)
    found = _Step(0.0, 0.0)
    for scale in SCALES:
        size = tuple(side if scale == 1 else _rounded(side * scale, side) for side in whole)
        share = math.prod(size) / math.prod(whole)
        if found.seconds and found.seconds * share > LONGEST_STEP_S:
            break
        images = torch.randn(recipe.sampling.batch, len(recipe.data.inputs), *size, device=hardware.accelerator)
        saved = _saved_bytes()

        def step(images: torch.Tensor = images, saved: _Saved = saved) -> None:
            label = (images[:, :1] > 2).float()
            ones = torch.ones(images.shape[0], device=images.device)
            optimizer.zero_grad(set_to_none=True)
            with saved.counted(), _autocast(hardware):
                outputs = network(images)
            supervised_loss(outputs, label, torch.ones_like(label), ones, criterion).backward()
            optimizer.step()

        network.train()
        step()
        found = _Step(_timed(step, hardware) / share, saved.most / share)
    return found


def _sample_size(recipe: Recipe, case: PreparedCase) -> tuple[int, ...]:
    if recipe.sampling.mode == "whole":
        return tuple(_rounded(side, 10**6) for side in case.shape)
    return tuple(recipe.sampling.size)


def _rounded(side: float, most: int) -> int:
    return min(most, max(SIDE_MULTIPLE, SIDE_MULTIPLE * math.ceil(side / SIDE_MULTIPLE)))


class _Saved:
    """Counts what autograd keeps of a forward pass."""

    def __init__(self) -> None:
        self.most = 0.0

    @contextmanager
    def counted(self) -> Iterator[None]:
        seen: dict[int, int] = {}

        def note(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            seen[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            yield
        self.most = max(self.most, float(sum(seen.values())))


def _saved_bytes() -> _Saved:
    return _Saved()


def _autocast(hardware: Hardware) -> torch.autocast:
    return torch.autocast(
        hardware.accelerator,
        torch.bfloat16,
        enabled=hardware.precision.startswith("bf16") and hardware.accelerator != "mps",
    )


def _timed(action: Callable[[], None], hardware: Hardware) -> float:
    """The shorter of two goes: what disturbs only ever prolongs."""
    found = []
    for _ in range(2):
        began_s = time.monotonic()
        action()
        if hardware.accelerator == "cuda":
            torch.cuda.synchronize()
        found.append(time.monotonic() - began_s)
        if found[0] > LONGEST_STEP_S:
            break
    return min(found)


def _forward_s(network: nn.Module, recipe: Recipe, hardware: Hardware, case: PreparedCase) -> float:
    """Seconds of one whole brain, scaled from a part of it."""
    network.eval()
    flat = recipe.sampling.mode == "slice"
    side = 64
    part = (8, *(_rounded(length, 10**6) for length in case.shape[1:])) if flat else (side, side, side)
    images = torch.randn(1, len(recipe.data.inputs), *part, device=hardware.accelerator)

    def forward() -> None:
        with torch.inference_mode(), _autocast(hardware):
            network(images)

    forward()
    seconds = _timed(forward, hardware)
    return seconds * math.prod(case.shape) * _windows(recipe, case.shape) / math.prod(part)


def _windows(recipe: Recipe, shape: Sequence[int]) -> float:
    """How often a voxel is looked at on average (inference/sliding_window.py)."""
    if recipe.network.kind != "dynunet" or recipe.sampling.mode != "patch":
        return 1.0
    times = 1.0
    for length, window in zip(shape, recipe.sampling.size, strict=True):
        count = 1 if length <= window else math.ceil((length - window) / (window * (1 - OVERLAP))) + 1
        times *= count * window / max(length, window)
    return times


def _comparison_s(case: PreparedCase) -> float:
    truth = np.array(case.label()) >= 0.5
    began_s = time.monotonic()
    dice(truth, truth)
    return time.monotonic() - began_s
