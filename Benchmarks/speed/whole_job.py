"""(c) A whole job as the panel's worker does it: from its start to the first answer and the result, and a second click.

    python Benchmarks/speed/whole_job.py [--exam FOLDER]

The exam is a raw one (skull, one grid a contrast); without --exam a digital patient. The cache is empty at first; the second
click finds it filled, and the worker warm. *Woken*: a cold click too, but the worker was woken when the exam was chosen, as the
panel does, and has loaded its packages; *again* is the same without, beside it because files then are in main memory for both.
Seconds of the clock, which whatever else runs makes longer, and of processors.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from machine import described
from results import keep

from MSSoftSegLib.phantom.digital_patient import make_digital_patient
from MSSoftSegLib.phantom.patient_files import write_digital_patient


def clicked(worker: subprocess.Popen, exam: Path, out: Path) -> dict[str, object]:
    """One job by an open worker: seconds to the first answer and to the result, and of each stage."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    spec = {"exam": {"folder": str(exam)}, "out": str(out), "preprocessing": {"brain": "atlas"}, "preview": True}
    spent, started = _processor_s(worker), time.monotonic()
    worker.stdin.write(json.dumps({"job": out.name, "kind": "segment", "spec": {**spec, "device": "cpu"}}) + "\n")
    worker.stdin.flush()
    first_s = None
    for line in worker.stdout:
        event = json.loads(line)
        if event["event"] == "preview":
            first_s = time.monotonic() - started
        if event["event"] in ("failed", "cancelled"):
            raise SystemExit(f"the job ended with {event}")
        if event["event"] == "result":
            break
    took_s = time.monotonic() - started
    facts = json.loads((out / "result.json").read_text(encoding="utf-8"))
    return {
        "first_answer_s": first_s,
        "result_s": took_s,
        "processor_s": _processor_s(worker) - spent,
        "stages_s": {stage["name"]: stage["seconds"] for stage in facts["stages"]},
        "peak_memory_mib": facts["peak_memory_mb"],
    }


@contextmanager
def worker_process(cache: Path) -> Iterator[tuple[subprocess.Popen, float]]:
    """A worker with that cache which has answered, and after how many seconds it did."""
    started = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "MSSoftSegLib.jobs.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "MSSOFTSEG_CACHE": str(cache)},
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write('{"ping": 1}\n')
        worker.stdin.flush()
        worker.stdout.readline()
        yield worker, time.monotonic() - started
        worker.stdin.close()


def wake(worker: subprocess.Popen) -> None:
    """What the panel asks for when an exam is chosen; until the worker rests."""
    assert worker.stdin is not None
    worker.stdin.write('{"get_ready": 1}\n')
    worker.stdin.flush()
    before = -1.0
    while before < (now := _processor_s(worker)):
        before = now
        time.sleep(1.0)


def _processor_s(worker: subprocess.Popen) -> float:
    times = psutil.Process(worker.pid).cpu_times()
    return times.user + times.system


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exam", type=Path, help="folder of a raw exam")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        exam = given.exam or write_digital_patient(make_digital_patient(seed=1), folder / "patient")
        with worker_process(folder / "cache") as (worker, ready_s):
            clicks = {number: clicked(worker, exam, folder / number) for number in ("cold", "second")}
        for number in ("again", "woken"):
            with worker_process(folder / f"cache-{number}") as (worker, _ready_s):
                if number == "woken":
                    wake(worker)
                clicks[number] = clicked(worker, exam, folder / number)
        keep(
            "whole_job",
            {
                "machine": described(),
                "exam": "digital patient" if given.exam is None else f"raw exam {given.exam.name}",
                "worker_ready_s": ready_s,
                **clicks,
            },
        )


if __name__ == "__main__":
    main()
