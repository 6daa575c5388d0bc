"""The training loop of one model, on Lightning Fabric: Fabric brings devices, nodes and precision, the loop is ours.

Our own loop, because a run that was killed within an epoch must go on at the very next sample: everything random is a
function of the step (training/data/stream.py), and the step is in the checkpoint.
"""

from __future__ import annotations

import gc
import math
import time
from contextlib import suppress
from typing import Any

import torch
from lightning.fabric import Fabric
from safetensors.torch import load_file, save
from torch import Tensor, nn

from MSSoftSegLib.errors import JobCancelled, JobFailed, OutOfMemory, RequestError
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.network.building import build_network
from MSSoftSegLib.training.data.sample import Sample
from MSSoftSegLib.training.engine.average import WeightAverage
from MSSoftSegLib.training.engine.batches import KILLED_WORKER, draw_batches
from MSSoftSegLib.training.engine.checkpoint import load_checkpoint, save_checkpoint, write_whole
from MSSoftSegLib.training.engine.curves import (
    STEP_COLUMNS,
    STEPS_FILE,
    VALIDATION_COLUMNS,
    VALIDATIONS_FILE,
    Curve,
    draw_curves,
)
from MSSoftSegLib.training.engine.deep_supervision import deep_supervision_loss
from MSSoftSegLib.training.engine.freezing import freeze
from MSSoftSegLib.training.engine.judging import judge
from MSSoftSegLib.training.engine.progress_channel import ProgressChannel
from MSSoftSegLib.training.engine.schedule import (
    PLATEAU_FACTOR,
    PhaseInSteps,
    build_optimizer,
    learning_rate,
    phases_in_steps,
    total_steps,
)
from MSSoftSegLib.training.engine.task import FitTask
from MSSoftSegLib.training.engine.validation import Validation
from MSSoftSegLib.training.losses.weighted_sum import RecipeLoss

# Curves reach the disk, and progress the user, this often.
REPORT_STEPS = 10


def fit(fabric: Fabric, task: FitTask, channel: ProgressChannel) -> None:
    """Train to the end; curves, checkpoints and the best weights are left in the task's folder.

    OutOfMemory where a process that makes samples was killed.
    """
    was_killed = False
    try:
        Fitting(fabric, task, channel).run()
    except RuntimeError as problem:
        # Torch raises this wherever the loop then is.
        if not str(problem).startswith(KILLED_WORKER):
            raise
        was_killed = True
    # Out here nothing holds on to the loop's processes any more. While they go torch may say once more that one was killed.
    if was_killed:
        with suppress(RuntimeError):
            gc.collect()
        raise OutOfMemory(
            "a process that makes training samples was killed, as the system does when memory runs out",
            remedy="close other programs and go on with --resume",
        )


class Fitting:
    """The state of one running training; what is not in ``state_dict`` follows from the task and the step."""

    def __init__(self, fabric: Fabric, task: FitTask, channel: ProgressChannel) -> None:
        self.fabric, self.task, self.channel = fabric, task, channel
        self.recipe = task.recipe
        self.schedule = phases_in_steps(self.recipe.training)
        self.steps = total_steps(self.recipe.training)
        torch.manual_seed(task.seed)
        self.raw = _initial_network(task)
        decay = self.recipe.training.average_decay
        self.average = None if decay is None else WeightAverage(self.raw, decay)
        self.frozen = freeze(self.raw, task.frozen)
        self.criterion = RecipeLoss(self.recipe.loss, self.recipe.activation)
        self.step, self.best, self.stalled, self.plateau_factor = 0, -math.inf, 0, 1.0
        self.optimizer_state: dict[str, Any] | None = None
        if task.resume:
            self._restore()
        self.network = fabric.setup_module(self.raw)
        if self.average is not None:
            self.average.network.to(fabric.device)
        self.optimizer: Any = None
        self.pending: list[tuple[float, ...]] = []
        self.since = time.monotonic()

    def run(self) -> None:
        """Phase by phase until the last step, or until validation stops improving."""
        if self.fabric.is_global_zero:
            self.step_curve = Curve(self.task.folder / STEPS_FILE, STEP_COLUMNS, resume_step=self.step)
            # A validation belongs to the step that it follows: one at the checkpoint's step was made before it.
            self.validation_curve = Curve(
                self.task.folder / VALIDATIONS_FILE, VALIDATION_COLUMNS, resume_step=self.step + 1 if self.step else 0
            )
        if self.task.base and self.step == 0:
            # What is adapted is the first candidate: an adaptation that helps nobody is not kept.
            self._validate()
        for stretch in self.schedule:
            if self.step < stretch.stop and not self._should_stop():
                self._phase(stretch)
        self._report(flush=True)
        if self.fabric.is_global_zero:
            draw_curves(self.task.folder)

    def _phase(self, stretch: PhaseInSteps) -> None:
        optimizer = build_optimizer(stretch.phase, self.raw)
        if self.optimizer_state is not None:
            optimizer.load_state_dict(self.optimizer_state)
            self.optimizer_state = None
        self.optimizer = self.fabric.setup_optimizers(optimizer)
        if self.step == stretch.start:
            self.plateau_factor = 1.0
        stream = draw_batches(
            self.task,
            start=self.step,
            stop=stretch.stop,
            rank=self.fabric.global_rank,
            world=self.fabric.world_size,
        )
        per_epoch = self.recipe.training.steps_per_epoch
        for batch in stream:
            self._step(batch, stretch)
            ended = self.step % per_epoch == 0 or self.step == stretch.stop
            if ended:
                self._end_epoch(stretch)
            if ended or self.step % self.recipe.training.checkpoint_steps == 0:
                self._checkpoint()
            if self._cancelled():
                self._checkpoint()
                raise JobCancelled
            if ended and self._should_stop():
                break

    def _step(self, batch: Sample, stretch: PhaseInSteps) -> None:
        """One optimizer step."""
        rate = learning_rate(stretch, self.step, plateau_factor=self.plateau_factor)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        # Dropout's draws too are a function of the step: see checkpoint.py.
        torch.manual_seed(hash((self.task.seed, self.step, self.fabric.global_rank)) % 2**63)
        self.network.train()
        for module in self.frozen:
            module.eval()
        images, label, weight = (self.fabric.to_device(part) for part in (batch.images, batch.label, batch.weight))
        layout = torch.channels_last_3d if images.ndim == 5 else torch.channels_last
        outputs = self.network(images.contiguous(memory_format=layout))
        loss = deep_supervision_loss(outputs, label, weight, self._sample_weight(batch, label), self.criterion)
        shared = self._mean_over_devices(loss.detach())
        if not math.isfinite(shared):
            raise JobFailed(
                f"the loss became {shared} at step {self.step}",
                remedy="lower the recipe's learning rate and start over with --overwrite; --resume repeats these very steps",
            )
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        clip = self.recipe.training.gradient_clip
        if clip is not None:
            self.fabric.clip_gradients(self.network, self.optimizer, max_norm=clip, error_if_nonfinite=False)
        self.optimizer.step()
        if self.average is not None:
            self.average.update(self.raw, self.step)
        epoch = self.step // self.recipe.training.steps_per_epoch
        self.pending.append((self.step, epoch, rate, shared, time.monotonic() - self.since))
        self.step += 1
        if self.step % REPORT_STEPS == 0:
            self._report(flush=False)

    def _sample_weight(self, batch: Sample, like: Tensor) -> Tensor:
        """λ for each sample of a pseudo-labelled case, 1 for the others."""
        settings = self.recipe.pseudo_labels
        places = [draws["place"]["case"] for draws in batch.draws["samples"]]
        pseudo = [
            settings is not None and place >= 0 and self.task.training[place].is_pseudo_labelled for place in places
        ]
        return like.new_tensor([settings.weight if settings is not None and one else 1.0 for one in pseudo])

    def _mean_over_devices(self, loss: Tensor) -> float:
        if self.fabric.world_size == 1:
            return float(loss)
        mean = self.fabric.all_reduce(loss, reduce_op="mean")
        return float(mean)  # type: ignore[arg-type]

    def _end_epoch(self, stretch: PhaseInSteps) -> None:
        """Validate; count how long it has not improved."""
        if self._validate() is False:
            self.stalled += 1
            if stretch.phase.schedule == "plateau" and self.stalled % stretch.phase.patience == 0:
                self.plateau_factor *= PLATEAU_FACTOR

    def _validate(self) -> bool | None:
        """Keep the weights when they are the best so far, and whether they are; None where there is nobody to validate on."""
        found: Validation | None = None
        if self.fabric.is_global_zero:
            found = judge(self._judged(), self.task, self.step, self._device(), self.channel)
        found = self.fabric.broadcast(found) if self.fabric.world_size > 1 else found
        if found is None:
            # The last weights are the best.
            self._keep_weights()
            return None
        if self.fabric.is_global_zero:
            epoch = (self.step - 1) // self.recipe.training.steps_per_epoch
            self.validation_curve.add([(epoch, self.step, found.loss, found.dice, found.soft_dice)])
        if found.dice <= self.best:
            return False
        self.best, self.stalled = found.dice, 0
        self._keep_weights()
        return True

    def _judged(self) -> nn.Module:
        """The weights that validation and the bundle see: their running mean where one is kept."""
        return self.raw if self.average is None else self.average.network

    def _device(self) -> Device:
        low = torch.bfloat16 if self.task.hardware.precision.startswith("bf16") else torch.float32
        return Device(self.fabric.device, low)

    def _keep_weights(self) -> None:
        if self.fabric.is_global_zero:
            state = {name: tensor.detach().cpu().contiguous() for name, tensor in self._judged().state_dict().items()}
            write_whole(self.task.best_weights, save(state))

    def _should_stop(self) -> bool:
        patience = self.recipe.training.early_stop
        return patience is not None and self.stalled >= patience

    def _cancelled(self) -> bool:
        asked = self.fabric.is_global_zero and self.channel.cancelled()
        return bool(self.fabric.broadcast(asked)) if self.fabric.world_size > 1 else asked

    def _report(self, *, flush: bool) -> None:
        if not self.fabric.is_global_zero:
            return
        if self.pending:
            self.channel.metric("loss", self.step, sum(row[3] for row in self.pending) / len(self.pending))
            self.step_curve.add(self.pending)
            self.pending.clear()
        self.channel.progress(1.0 if flush else self.step / self.steps, f"step {self.step} of {self.steps}")

    def _checkpoint(self) -> None:
        if not self.fabric.is_global_zero:
            return
        self._report(flush=False)
        state = {
            "step": self.step,
            "network": self.raw.state_dict(),
            "average": None if self.average is None else self.average.state(),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "stalled": self.stalled,
            "plateau_factor": self.plateau_factor,
        }
        save_checkpoint(state, self.task.folder)

    def _restore(self) -> None:
        state = load_checkpoint(self.task.folder)
        if state is None:
            return
        try:
            self.raw.load_state_dict(state["network"])
            if self.average is not None:
                self.average.network.load_state_dict(state["average"])
            self.step, self.best, self.stalled = state["step"], state["best"], state["stalled"]
            self.plateau_factor = state["plateau_factor"]
        except (RuntimeError, TypeError, AttributeError, KeyError):
            raise RequestError(
                "the checkpoint of this run is of another network", remedy="start over without --resume"
            ) from None
        # A checkpoint at the end of a phase: the next one begins with an optimizer of its own.
        if all(self.step != stretch.start for stretch in self.schedule):
            self.optimizer_state = state["optimizer"]


def _initial_network(task: FitTask) -> nn.Module:
    network = build_network(task.recipe.network, input_channels=len(task.recipe.data.inputs))
    if task.initial_weights is not None:
        try:
            network.load_state_dict(load_file(str(task.initial_weights)))
        except RuntimeError:
            raise RequestError(
                f"the weights in {task.initial_weights.name} do not fit the recipe's network",
                remedy="start from a model of the same recipe, or leave --init out",
            ) from None
    return network
