"""Seconds per training step: our engine's way of running a 3D network against what one gets from MONAI's defaults.

    python Benchmarks/training_speed.py

Both train the same network shape (MONAI's DynUNet, 16-32-64-128 filters, 64³ patches of three contrasts, batch 2, soft Dice).
Theirs: float32, contiguous tensors, ``nn.InstanceNorm3d``. Ours: bfloat16 where the processor has it, channels-last,
SampleNorm, memory kept by the allocator. Medians over steps, in turns within one process, so that a busy machine slows both.
"""

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from monai.networks.nets.dynunet import DynUNet as MonaiDynUNet
from torch import Tensor, nn

from MSSoftSegLib.inference.device import choose_device
from MSSoftSegLib.kept_memory import keep_memory
from MSSoftSegLib.network.building import build_network
from MSSoftSegLib.network.description import DynUNetDescription
from MSSoftSegLib.training.engine.deep_supervision import deep_supervision_loss
from MSSoftSegLib.training.losses.weighted_sum import RecipeLoss
from MSSoftSegLib.training.recipe import ActivationSettings, LossTerm

FILTERS = (16, 32, 64, 128)
STEPS = 7
RESULT = Path(__file__).parent / "results" / "training_speed.md"


def monai_step(images: Tensor, label: Tensor, weight: Tensor) -> Callable[[], None]:
    """One optimizer step with MONAI's network and PyTorch's defaults."""
    levels = len(FILTERS)
    network = MonaiDynUNet(
        spatial_dims=3,
        in_channels=3,
        out_channels=1,
        kernel_size=[3] * levels,
        strides=[1] + [2] * (levels - 1),
        upsample_kernel_size=[2] * (levels - 1),
        filters=list(FILTERS),
        deep_supervision=False,
    )
    return _step(network, images, label, weight, torch.float32)


def our_step(images: Tensor, label: Tensor, weight: Tensor) -> Callable[[], None]:
    """One optimizer step as the training engine makes it."""
    network = build_network(
        DynUNetDescription(kind="dynunet", filters=FILTERS, deep_supervision=False), input_channels=3
    )
    images = images.contiguous(memory_format=torch.channels_last_3d)
    return _step(network, images, label, weight, choose_device("cpu").precision)


def _step(
    network: nn.Module, images: Tensor, label: Tensor, weight: Tensor, precision: torch.dtype
) -> Callable[[], None]:
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    criterion = RecipeLoss([LossTerm(name="soft-dice")], ActivationSettings())
    even = torch.ones(images.shape[0])

    def step() -> None:
        with torch.autocast("cpu", precision, enabled=precision is not torch.float32):
            outputs = network(images)
        optimizer.zero_grad(set_to_none=True)
        deep_supervision_loss(outputs, label, weight, even, criterion).backward()
        optimizer.step()

    return step


def main() -> None:
    """Measure, print the table and keep it."""
    torch.set_num_threads(1)
    keep_memory()
    torch.manual_seed(0)
    shape = (2, 3, 64, 64, 64)
    images, label, weight = torch.randn(shape), torch.rand(2, 1, 64, 64, 64), torch.ones(2, 1, 64, 64, 64)
    steps = {"MONAI, float32": monai_step(images, label, weight), "ours": our_step(images, label, weight)}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(STEPS + 1):
        for name, step in steps.items():
            started = time.process_time()
            step()
            if number:
                seconds[name].append(time.process_time() - started)
    text = _table({name: statistics.median(times) for name, times in seconds.items()})
    RESULT.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")


def _table(medians: dict[str, float]) -> str:
    slowest = max(medians.values())
    rows = [f"| {name} | {value:.2f} | {slowest / value:.1f} |" for name, value in medians.items()]
    precision = str(choose_device("cpu").precision).removeprefix("torch.")
    return "\n".join(
        [
            "# Training step of a 3D network on one processor thread",
            "",
            f"DynUNet {FILTERS}, batch 2 of 64³, soft Dice, AdamW; processor seconds, median of {STEPS} steps taken in turns.",
            f"Ours in {precision}; {platform.machine()}, torch {torch.__version__}.",
            "",
            "| | s/step | times faster |",
            "|---|---|---|",
            *rows,
        ]
    )


if __name__ == "__main__":
    main()
