"""The starter model's trainer: small, honest, reproducible from a seed.

    python -m MSSoftSegLib.training.starter --data DATA/open_ms --out RUN

Crops first (more lesions per second), whole brains last (the statistics that inference will see). A run that was killed goes
on from its last checkpoint with ``--resume``; checkpoints are read without unpickling arbitrary objects.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from MSSoftSegLib.exam.modality import MODALITIES
from MSSoftSegLib.network.architecture import LesionUNet
from MSSoftSegLib.training.losses.starter import starter_loss
from MSSoftSegLib.training.synthesis.fields import Shape
from MSSoftSegLib.training.synthesis.stream import StreamSettings, SyntheticStream

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class StarterPlan:
    """What the starter run does; written beside its checkpoints."""

    without: tuple[str, ...] = ("patient26",)
    widths: tuple[int, ...] = (24, 48, 96, 128)
    patient_shape: Shape = (144, 176, 144)
    crop_shape: Shape = (96, 112, 96)
    crops_per_patient: int = 4
    crop_steps: int = 2400
    whole_steps: int = 160
    warmup_steps: int = 100
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    average_decay: float = 0.998
    seed: int = 20260101

    @property
    def steps(self) -> int:
        """All optimiser steps."""
        return self.crop_steps + self.whole_steps


class StarterRun:
    """The state of one training run: network, its running average, optimiser, step."""

    def __init__(self, plan: StarterPlan, folder: Path) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.folder, self.step = plan, folder, 0
        self.network = LesionUNet(input_channels=len(MODALITIES), widths=plan.widths)
        self.network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
        )

    def learning_rate(self) -> float:
        """Linear warm-up, then a half cosine to zero."""
        plan = self.plan
        if self.step < plan.warmup_steps:
            return plan.learning_rate * (self.step + 1) / plan.warmup_steps
        progress = (self.step - plan.warmup_steps) / (plan.steps - plan.warmup_steps)
        return plan.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))

    def train_step(self, images: Tensor, label: Tensor) -> float:
        """One optimiser step; the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate()
        images = images.float().contiguous(memory_format=torch.channels_last_3d)
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.network(images)
        loss = starter_loss(logits, label.float(), inside=images[:, :1] != 0)
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the loss became {loss.item()} at step {self.step}")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimizer.step()
        decay = min(self.plan.average_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, now in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(now, 1 - decay)
        self.step += 1
        return float(loss.detach())

    def save(self) -> None:
        """Write the checkpoint beside its name, then rename: a killed run never leaves half of one."""
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        temporary = self.folder / "checkpoint.tmp"
        torch.save(state, temporary)
        os.replace(temporary, self.folder / "checkpoint.pt")

    def load(self) -> None:
        """Go on from the last checkpoint."""
        state = torch.load(self.folder / "checkpoint.pt", weights_only=True)
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])


def stream(plan: StarterPlan, data: Path, *, whole: bool, start: int) -> DataLoader:
    """The training data of one phase; ``start`` enters the seed, so that a resumed run sees new patients."""
    settings = StreamSettings(
        data=data,
        without=plan.without,
        patient_shape=plan.patient_shape,
        crop_shape=None if whole else plan.crop_shape,
        crops_per_patient=plan.crops_per_patient,
        seed=plan.seed + start,
    )
    return DataLoader(SyntheticStream(settings), batch_size=1, num_workers=1, prefetch_factor=6)


def train(plan: StarterPlan, data: Path, folder: Path, *, resume: bool) -> StarterRun:
    """Run the plan to its end; curves go to ``losses.csv``, checkpoints every 100 steps."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(asdict(plan), indent=2))
    run = StarterRun(plan, folder)
    if resume and (folder / "checkpoint.pt").exists():
        run.load()
    with (folder / "losses.csv").open("a", encoding="utf-8") as curve:
        for whole, last in ((False, plan.crop_steps), (True, plan.steps)):
            if run.step >= last:
                continue
            started = time.monotonic()
            for images, label in stream(plan, data, whole=whole, start=run.step):
                loss = run.train_step(images, label)
                curve.write(f"{run.step},{loss:.5f},{time.monotonic() - started:.1f}\n")
                if run.step % 100 == 0 or run.step == last:
                    curve.flush()
                    run.save()
                    LOGGER.info("step %d loss %.3f", run.step, loss)
                if run.step >= last:
                    break
    return run


def main() -> None:
    """Command line of the starter trainer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the open_ms folder (lesion_masks, tissues)")
    parser.add_argument("--out", type=Path, required=True, help="run folder: plan, curve, checkpoint")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(arguments.threads)
    train(StarterPlan(), arguments.data, arguments.out, resume=arguments.resume)


if __name__ == "__main__":
    main()
