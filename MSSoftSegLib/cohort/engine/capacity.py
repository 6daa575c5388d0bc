"""How many exams this machine can honestly segment at once."""

from __future__ import annotations

import os
from dataclasses import dataclass

import psutil

GIB = 2**30
# Peak of one worker: an exam with three contrasts on its native grids (Docs/cohorts.md section 4 says what was measured), and
# what torch and the registration toolkit need of their own.
WORKER_GIB = 4.0
# What is left to everything else on the machine.
USABLE_FRACTION = 0.8


@dataclass(frozen=True)
class Capacity:
    """workers at a time, each with so many processor threads and bytes of memory."""

    workers: int
    threads: int
    memory_bytes: int


def capacity_of(*, cores: int, available_bytes: int, wanted: int | None = None) -> Capacity:
    """As many workers as memory and cores allow, at least one. wanted: that many instead; they then share what there is."""
    usable = int(available_bytes * USABLE_FRACTION)
    fit = max(1, min(cores, int(usable // (WORKER_GIB * GIB))))
    workers = fit if wanted is None else wanted
    return Capacity(workers, max(1, cores // workers), max(usable // workers, GIB))


def capacity_here(*, wanted: int | None = None) -> Capacity:
    """Of this machine now; a container's or a job's limits count where the system tells them."""
    return capacity_of(cores=_cores(), available_bytes=min(psutil.virtual_memory().available, _limit()), wanted=wanted)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _limit() -> int:
    """The memory limit of a control group, if any: psutil tells that of the machine."""
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            with open(path, encoding="ascii") as file:
                return int(file.read())
        except (OSError, ValueError):
            continue
    return psutil.virtual_memory().total
