"""Disk and memory that a training needs, in MB."""

from __future__ import annotations

import math
from collections.abc import Sequence

import psutil
import torch

from MSSoftSegLib.jobs.preflight.finding import PreflightFinding
from MSSoftSegLib.jobs.preflight.rate_probe import Probe
from MSSoftSegLib.jobs.preflight.split import Split
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.training.recipe import Recipe

MB = 1e6
FLOAT_BYTES = 4
# A network, its running mean and an optimizer's two moments; gradients come on top in memory.
STATES_OF_A_CHECKPOINT = 4
# torch and what it loads, measured once a training runs.
PROGRAM_MB = 700.0
ROOM_TO_SPARE = 1.2


def disk_needed_mb(cases: Sequence[LabeledCase], recipe: Recipe, split: Split, probe: Probe) -> float:
    """Prepared cases, the checkpoint with the one that replaces it, and what is kept of each network."""
    raters = sum(len(case.raters) for case in cases)
    floats = len(cases) * (len(recipe.data.inputs) + 1) + raters
    # Beside the float images: the brain, and the list of its voxels.
    prepared = math.prod(probe.brain) * (FLOAT_BYTES * floats + len(cases) * (1 + FLOAT_BYTES))
    network = FLOAT_BYTES * probe.parameters
    checkpoints = network * STATES_OF_A_CHECKPOINT * (split.models + 1)
    return (prepared + checkpoints + 2 * network * split.models) / MB


def memory_needed_mb(recipe: Recipe, probe: Probe) -> float:
    """Of the device that computes: what a step holds, the network with its states, and on a processor the program."""
    states = FLOAT_BYTES * probe.parameters * (STATES_OF_A_CHECKPOINT + 1)
    return PROGRAM_MB + ROOM_TO_SPARE * (probe.bytes_per_step + states) / MB


def check_needs(disk_mb: float, free_mb: float, memory_mb: float, device: str) -> list[PreflightFinding]:
    """Where there is not enough."""
    findings = []
    if disk_mb > free_mb:
        findings.append(
            PreflightFinding(
                "error",
                f"the disk of the output is too small: {disk_mb:.0f} MB are needed, {free_mb:.0f} MB are free",
                "free some space, or choose an output on another disk",
            )
        )
    available = available_memory_mb(device)
    if memory_mb > available:
        findings.append(
            PreflightFinding(
                "warning" if device == "cpu" else "error",
                f"the recipe needs about {memory_mb / 1000:.1f} GB of memory, {available / 1000:.1f} GB are free",
                "choose a recipe with smaller patches, close other programs, or train on another machine",
            )
        )
    return findings


def available_memory_mb(device: str) -> float:
    """Free memory of the device that computes."""
    if device == "cuda":
        return float(torch.cuda.mem_get_info()[0]) / MB
    return float(psutil.virtual_memory().available) / MB
