"""How much a running training slows a Segment click down, with the lower priority that detached trainings take and without.

    python -m Benchmarks.beside_training --folder SCRATCH [--rounds 5]

A small preprocessed exam is segmented by a worker that has the model loaded: alone, beside a training at
the usual priority, beside one that has stepped back; in turns, so that what else the machine does hits all three alike.
Trainings that are not wanted at a moment are stopped, not ended. A table in results/beside_training.md.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import SimpleITK as sitk

from MSSoftSegLib.jobs.detached.detach import make_spec_absolute
from MSSoftSegLib.jobs.detached.priority import NICENESS, VARIABLE
from MSSoftSegLib.jobs.detached.reading import EventTail, request_cancel
from MSSoftSegLib.jobs.detached.starting import start
from Testing.MSSoftSegLib.jobs.detached_jobs import RealWorker, process_of, small_training, wait_until
from Testing.MSSoftSegLib.jobs.small_exam import write_small_exam
from Testing.MSSoftSegLib.network.bundles import write_random_bundle

TABLE = Path(__file__).parent / "results" / "beside_training.md"
CONDITIONS = {
    "alone": None,
    "beside a training at the usual priority": 0,
    f"beside one that stepped back by {NICENESS}": NICENESS,
}
HEAD = """# A Segment click beside a training

`python -m Benchmarks.beside_training`: wall time of a small FLAIR (`Testing/MSSoftSegLib/jobs/small_exam.py`), taken as
preprocessed, in one pass, in a worker that has its model loaded, in turns; {cores} processors, no GPU, other programs running
(load {load:.0f} at the end). Times are those of this machine at that hour; the ratios are what counts.

| Segment | median | ratio to alone | lowest and highest ratio to alone of the same turn | n |
|---|---|---|---|---|
"""


def begun(folder: Path) -> Path:
    """The folder of a training without end at the usual priority, stopped."""
    os.environ[VARIABLE] = "0"
    job = start("train", make_spec_absolute("train", small_training(folder) | {"epochs": 100000}))
    tail = EventTail(job)
    wait_until(lambda: any(event["event"] == "metric" for event in tail.new_events()))
    os.killpg(int(str(process_of(job))), signal.SIGSTOP)
    return job


@contextmanager
def running(job: Path, niceness: int | None) -> Iterator[None]:
    """The training goes on while this lasts, at a priority; None = it does not. Only an administrator may raise it again."""
    if niceness is None:
        yield
        return
    group = int(str(process_of(job)))
    os.setpriority(os.PRIO_PGRP, group, niceness)
    with suppress(OSError):
        Path(f"/proc/{group}/autogroup").write_text(str(niceness), encoding="ascii")
    os.killpg(group, signal.SIGCONT)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGSTOP)


def extract_brain(folder: Path) -> None:
    """The exam's FLAIR without what is no brain."""
    flair = sitk.ReadImage(str(folder / "exam" / "FLAIR.nii.gz"))
    brain = sitk.Resample(
        sitk.ReadImage(str(folder / "brain.nii.gz")), flair, sitk.Transform(), sitk.sitkNearestNeighbor
    )
    sitk.WriteImage(sitk.Mask(flair, sitk.Cast(brain != 0, sitk.sitkUInt8)), str(folder / "brain_FLAIR.nii.gz"))


def segment_s(worker: RealWorker, folder: Path, bundle: Path) -> float:
    """Wall time of one Segment."""
    spec = {
        "exam": {"flair": str(folder / "brain_FLAIR.nii.gz")},
        "out": str(folder / "out"),
        "model": str(bundle),
        "device": "cpu",
        "preprocessed": True,
        "tta": "none",
        "overwrite": True,
    }
    began_s = time.monotonic()
    answer = worker.ask("segment", spec)
    if answer["event"] != "result":
        raise SystemExit(str(answer))
    return time.monotonic() - began_s


def main() -> None:
    """Measure in turns and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--job", type=Path, help="a detached training that runs already, in place of a new one")
    asked = parser.parse_args()
    folder = asked.folder
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["MSSOFTSEG_JOBS"], os.environ["MSSOFTSEG_CACHE"] = str(folder / "jobs"), str(folder / "cache")
    if not (folder / "exam").is_dir():
        write_small_exam(folder)
    extract_brain(folder)
    bundle = write_random_bundle(folder / "little")
    job = asked.job or begun(folder)
    worker, found = RealWorker(), {name: [] for name in CONDITIONS}
    try:
        segment_s(worker, folder, bundle)
        for _ in range(asked.rounds):
            for name, times in found.items():
                with running(job, CONDITIONS[name]):
                    times.append(segment_s(worker, folder, bundle))
    finally:
        worker.kill_group()
        request_cancel(job)
        os.killpg(int(str(process_of(job))), signal.SIGCONT)
    write_table(found)


def write_table(found: dict[str, list[float]]) -> None:
    """One row a condition."""
    alone = found["alone"]
    rows = []
    for name, times in found.items():
        ratios = [time_s / alone_s for time_s, alone_s in zip(times, alone, strict=True)]
        whole = statistics.median(times) / statistics.median(alone)
        rows.append(
            f"| {name} | {statistics.median(times):.1f} s | {whole:.2f} | {min(ratios):.2f}–{max(ratios):.2f} | {len(times)} |\n"
        )
    head = HEAD.format(cores=os.cpu_count(), load=os.getloadavg()[0])
    TABLE.write_text(head + "".join(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
