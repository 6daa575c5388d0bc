"""Starting the loop: in this process on one device, in spawned processes on several, or as a part of a cluster's job."""

from __future__ import annotations

import logging

import torch
from lightning.fabric import Fabric

from MSSoftSegLib.errors import DeviceMissing, JobCancelled, JobFailed, MSSoftSegError, RequestError
from MSSoftSegLib.inference.device import processor_has_bfloat16
from MSSoftSegLib.kept_memory import keep_memory
from MSSoftSegLib.training.engine.cluster import is_started_by_cluster
from MSSoftSegLib.training.engine.fit import fit
from MSSoftSegLib.training.engine.progress_channel import ProgressChannel, QueueChannel, relay_across_processes
from MSSoftSegLib.training.engine.task import FitTask, Hardware

OUTCOME_FILE = ".outcome"


def choose_hardware(device: str, *, devices: int, nodes: int, precision: str) -> Hardware:
    """The hardware of a request: device 'auto', 'cpu', 'cuda' or 'mps'; precision 'auto', 'bf16' or '32'."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device not in present:
        raise RequestError(f"{device!r} names no device to train on", remedy="use auto, cpu, cuda or mps")
    if not present[device]:
        raise DeviceMissing(f"this machine has no {device} device", remedy="use --device cpu")
    if device == "cuda" and devices > torch.cuda.device_count():
        raise DeviceMissing(
            f"{devices} GPUs were asked for and {torch.cuda.device_count()} are here", remedy="ask for fewer --devices"
        )
    if nodes > 1 and not is_started_by_cluster():
        raise RequestError(
            f"{nodes} nodes need a launcher that starts this command on each of them",
            remedy="start it with torchrun or srun",
        )
    if precision == "auto":
        low = processor_has_bfloat16() if device == "cpu" else device == "cuda" and torch.cuda.is_bf16_supported()
        precision = "bf16" if low else "32"
    named = {"bf16": "bf16-mixed", "32": "32-true"}
    return Hardware(device, devices, nodes, named[precision], workers=1 if device == "cpu" else 4)


def train_one(task: FitTask, channel: ProgressChannel) -> None:
    """Train one model on the task's hardware; returns when its best weights are on the disk."""
    task.folder.mkdir(parents=True, exist_ok=True)
    hardware = task.hardware
    if is_started_by_cluster() or hardware.devices == 1:
        keep_memory()
        before = torch.get_num_threads()
        if hardware.accelerator == "cpu" and hardware.workers:
            torch.set_num_threads(max(1, before - hardware.workers))
        try:
            fabric = _fabric(hardware, "ddp" if is_started_by_cluster() else "auto")
            fabric.launch()
            fit(fabric, task, channel)
        finally:
            torch.set_num_threads(before)
        return
    _in_spawned_processes(task, channel)


def _in_spawned_processes(task: FitTask, channel: ProgressChannel) -> None:
    outcome = task.folder / OUTCOME_FILE
    outcome.unlink(missing_ok=True)
    with relay_across_processes(channel) as remote:
        try:
            _fabric(task.hardware, "ddp_spawn").launch(_Spawned(task, remote))
        except Exception as problem:
            # An error's type does not survive the way out of a spawned process: the first one left it in a file.
            if not outcome.is_file():
                raise JobFailed(
                    "a training process ended unexpectedly", remedy="go on from the last checkpoint with --resume"
                ) from problem
    if outcome.is_file():
        kind, message, remedy = [*outcome.read_text(encoding="utf-8").split("\n"), "", ""][:3]
        outcome.unlink()
        if kind == JobCancelled.code:
            raise JobCancelled
        known = {error.code: error for error in _all_errors(MSSoftSegError) if error is not JobCancelled}
        raise known.get(kind, JobFailed)(message, remedy=remedy)


class _Spawned:
    """What a spawned process does. Not arguments of ``launch``: Fabric searches those for tensors and refuses frozen ones."""

    def __init__(self, task: FitTask, channel: QueueChannel) -> None:
        self.task, self.channel = task, channel

    def __call__(self, fabric: Fabric) -> None:
        keep_memory()
        torch.set_num_threads(1)
        try:
            fit(fabric, self.task, self.channel)
        except MSSoftSegError as problem:
            text = f"{problem.code}\n{problem.message}\n{problem.remedy}\n"
            (self.task.folder / OUTCOME_FILE).write_text(text, encoding="utf-8")
            raise


def _all_errors(base: type[MSSoftSegError]) -> list[type[MSSoftSegError]]:
    return [base, *(error for child in base.__subclasses__() for error in _all_errors(child))]


def _fabric(hardware: Hardware, strategy: str) -> Fabric:
    # Its greetings are not for the user of a command line; Fabric speaks through Lightning's other loggers too.
    for name in ("lightning", "lightning.fabric", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return Fabric(
        accelerator=hardware.accelerator,
        devices=hardware.devices,
        num_nodes=hardware.nodes,
        strategy=strategy if hardware.devices * hardware.nodes > 1 or strategy == "ddp" else "auto",
        precision=hardware.precision,  # type: ignore[arg-type]
    )
