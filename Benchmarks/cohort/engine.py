"""What the engine of a cohort costs an exam, and whether the process that hands exams out grows.

    python Benchmarks/cohort/engine.py [--exams 1000] [--seconds 0.1]

Stand-in exams that sleep go through one process and through two workers of dask. Overhead: what an exam takes beyond its sleep
on each worker (fingerprint, folders, record, and the engine), in seconds of the clock and of the handing process' own processor
time. Prints rows for ``Benchmarks/results/cohort.md``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import psutil

from MSSoftSegLib.cohort.engine.capacity import GIB, Capacity
from MSSoftSegLib.cohort.exam_folders import find_exams
from MSSoftSegLib.cohort.one_exam import CohortRun
from MSSoftSegLib.cohort.segment_cohort import segment_cohort
from MSSoftSegLib.cohort.settings import CohortSettings
from MSSoftSegLib.network.catalog import SHIPPED_MODEL
from MSSoftSegLib.segmenting.choices import SegmentChoices
from Testing.MSSoftSegLib.cohort.small_cohort import stand_in, write_tiny_exams

MOMENTS = (0.1, 0.25, 0.5, 0.75, 1.0)


def measure(table: Path, out: Path, workers: int, seconds: float) -> str:
    """One row: what ran, overhead, processor time, memory on the way."""
    choices = SegmentChoices.model_validate({"preprocessing": {"brain": "none"}})
    run = CohortRun(out, CohortSettings(model=SHIPPED_MODEL, choices=choices), stand_in)
    exams = find_exams(table)
    process = psutil.Process()
    memory: dict[float, float] = {}
    began: list[tuple[float, float]] = []

    def watch(fraction: float, words: str) -> None:
        if words and not began:
            # From the first exam on: starting the workers is no cost of an exam.
            began.append((time.monotonic(), _processor_s(process)))
        for moment in MOMENTS:
            if fraction >= moment and moment not in memory:
                memory[moment] = process.memory_info().rss / 1024**2

    outcome = segment_cohort(exams, run, capacity=Capacity(workers, 1, 2 * GIB), progress=watch)
    ended, processor = time.monotonic(), _processor_s(process)
    if outcome.done != len(exams):
        raise SystemExit(f"{outcome.done} of {len(exams)} exams were done")
    count = len(exams) - 1
    overhead = (ended - began[0][0]) * workers / count - seconds
    own = (processor - began[0][1]) / count
    grown = " → ".join(f"{memory[moment]:.0f}" for moment in MOMENTS)
    name = "one process" if workers == 1 else f"{workers} workers of dask"
    return f"| {name} | {len(exams)} | {1000 * overhead:.0f} ms | {1000 * own:.1f} ms | {grown} |"


def _processor_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exams", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=0.1, help="how long each exam sleeps")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    given = parser.parse_args()
    os.environ["STAND_IN_SECONDS"] = str(given.seconds)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        table = write_tiny_exams(place / "exams", given.exams)
        for workers in given.workers:
            sys.stdout.write(measure(table, place / f"out{workers}", workers, given.seconds) + "\n")


if __name__ == "__main__":
    main()
