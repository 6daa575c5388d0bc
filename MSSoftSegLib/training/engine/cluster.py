"""Being one of several processes that torchrun or SLURM started: who speaks, and who waits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from lightning.fabric import Fabric

from MSSoftSegLib.training.engine.task import Hardware

# Set by torchrun for each process that it starts.
TORCHRUN = ("LOCAL_RANK", "RANK", "WORLD_SIZE")
SLURM = ("SLURM_NTASKS", "SLURM_PROCID")


def is_started_by_cluster() -> bool:
    """Whether torchrun or SLURM started this process as one of several."""
    return all(name in os.environ for name in TORCHRUN) or _slurm_tasks() > 1


def _slurm_tasks() -> int:
    return int(os.environ[SLURM[0]]) if all(name in os.environ for name in SLURM) else 1


def global_rank() -> int:
    """This process' number among those that a cluster started; 0 outside one."""
    return int(os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0"))) if is_started_by_cluster() else 0


@contextmanager
def run_first_alone(hardware: Hardware) -> Iterator[bool]:
    """The first process runs the block before all others; True in the first."""
    if not is_started_by_cluster():
        yield True
        return
    fabric = Fabric(
        accelerator=hardware.accelerator, devices=hardware.devices, num_nodes=hardware.nodes, strategy="ddp"
    )
    fabric.launch()
    with fabric.rank_zero_first():
        yield fabric.is_global_zero
