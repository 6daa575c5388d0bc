"""(e) How time and memory grow with the voxels of a brain, and time with the lesions: one pass, one table of lesions.

python Benchmarks/speed/growth.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from machine import described
from networks import BRAIN, brain
from results import keep

from MSSoftSegLib.exam.geometry import image_like
from MSSoftSegLib.inference.device import choose_device
from MSSoftSegLib.inference.sliding_window import predict_windowed_logits
from MSSoftSegLib.kept_memory import keep_memory_meanwhile
from MSSoftSegLib.lesion.segmentation import segment_lesions
from MSSoftSegLib.lesion.uncertainty import combine
from MSSoftSegLib.segmenting.ready_model import open_model

TIMES_AS_MANY = (0.5, 1.0, 2.0, 4.0)
LESIONS = (10, 100, 1000)
ROUNDS = 3


def with_lesions(count: int) -> sitk.Image:
    """A probability map of a brain with so many lesions of 3×3×3 voxels, none touching another."""
    array = np.zeros(BRAIN, np.float32)
    rng = np.random.default_rng(0)
    places = np.stack(np.meshgrid(*(np.arange(2, side - 4, 6) for side in BRAIN), indexing="ij"), -1).reshape(-1, 3)
    for z, y, x in rng.permutation(places)[:count]:
        array[z : z + 3, y : y + 3, x : x + 3] = rng.uniform(0.6, 1)
    return sitk.GetImageFromArray(array)


def look(times_as_many: float) -> Callable[[], object]:
    """One pass over a brain with so many times the voxels."""
    side = times_as_many ** (1 / 3)
    z, y, x = (16 * round(length * side / 16) for length in BRAIN)
    images, device = brain((z, y, x)), choose_device("cpu")
    network = open_model("starter", device="cpu").networks[0]
    return lambda: predict_windowed_logits(network, images, device, window=None)


def measure(count: int) -> Callable[[], object]:
    """The lesions of such a map cut and measured, with eight members."""
    member = with_lesions(count)
    maps = combine([image_like(member, sitk.GetArrayFromImage(member) * share) for share in np.linspace(0.9, 1, 8)])
    return lambda: segment_lesions(maps, threshold=0.5, min_lesion_mm3=9.0)


def processor_s(work: Callable[[], object]) -> float:
    """The median of some rounds, after one that is not counted."""
    spent = []
    with keep_memory_meanwhile():
        for _ in range(ROUNDS + 1):
            started = time.process_time()
            work()
            spent.append(time.process_time() - started)
    return statistics.median(spent[1:])


def peak_mib(times_as_many: float) -> float:
    """The most memory that a process of its own held while it made one pass, beyond what it held before."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_pass_mib, (times_as_many,))


def _pass_mib(times_as_many: float) -> float:
    torch.set_num_threads(1)
    work = look(times_as_many)
    before = _held_mib("VmRSS")
    with keep_memory_meanwhile():
        work()
    return _held_mib("VmHWM") - before


def _held_mib(what: str) -> float:
    """VmRSS: what this process holds now, VmHWM: at most so far; in Linux' words."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def main() -> None:
    """Measure and keep."""
    torch.set_num_threads(1)
    keep(
        "growth",
        {
            "machine": described(),
            "voxels": {f"{share:g}": processor_s(look(share)) for share in TIMES_AS_MANY},
            "peak_mib": {f"{share:g}": peak_mib(share) for share in TIMES_AS_MANY},
            "lesions": {str(count): processor_s(measure(count)) for count in LESIONS},
        },
    )


if __name__ == "__main__":
    main()
