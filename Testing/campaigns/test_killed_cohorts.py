"""A cohort whose workers and whose scheduler are killed at any moment: no exam is lost, and none is done twice.

Twenty stand-in exams in ``make test``; a thousand with fifty killed workers and five killed schedulers in ``make campaigns``,
whose outcome is kept in Benchmarks/results. An exam is done twice where it was computed again though its result was complete.
"""

from __future__ import annotations

import collections
import os
import random
import signal
import subprocess
import sys
import time

import psutil

from MSSoftSegLib.cohort.exam_folders import find_exams
from MSSoftSegLib.cohort.group.exam_rows import read_exam_rows
from Testing.campaigns.record import CAMPAIGN, record
from Testing.MSSoftSegLib.cohort.small_cohort import write_tiny_exams
from Testing.patience import HANGING_S

EXAMS = 1000 if CAMPAIGN else 20
WORKERS = 2
WORKER_KILLS = 50 if CAMPAIGN else 1
SCHEDULER_KILLS = 5 if CAMPAIGN else 1

# Its own process, so that it can be killed: scheduler, client and the workers' nannies live in it.
PROGRAM = """
import sys
from pathlib import Path
from MSSoftSegLib.cohort.engine.capacity import GIB, Capacity
from MSSoftSegLib.cohort.exam_folders import find_exams
from MSSoftSegLib.cohort.one_exam import CohortRun
from MSSoftSegLib.cohort.segment_cohort import segment_cohort
from MSSoftSegLib.cohort.settings import CohortSettings
from MSSoftSegLib.segmenting.choices import SegmentChoices
from Testing.MSSoftSegLib.cohort.small_cohort import stand_in

if __name__ == "__main__":
    table, out, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    choices = SegmentChoices.model_validate({"preprocessing": {"brain": "none"}})
    run = CohortRun(out, CohortSettings(model="starter", choices=choices), stand_in)
    outcome = segment_cohort(find_exams(table), run, capacity=Capacity(workers, 1, 2 * GIB))
    sys.exit(len(outcome.failures) > 0)
"""


def complete(out):
    return sum(1 for _ in out.glob("sub-*/cohort_exam.json"))


def workers_of(process):
    """The processes that compute, not those that watch them."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    except psutil.Error:
        return []


def wait_for(process, out, count):
    """Until so many exams are complete; False where the process ended before."""
    until = time.monotonic() + HANGING_S
    while complete(out) < count:
        assert time.monotonic() < until, "the cohort hangs"
        if process.poll() is not None:
            return False
        time.sleep(0.02)
    return True


def end(process):
    """Kill scheduler, nannies and workers without warning, as a machine that loses power does."""
    everything = [*psutil.Process(process.pid).children(recursive=True), process]
    for each in everything:
        try:
            each.send_signal(signal.SIGKILL)
        except psutil.Error:
            continue
    process.wait(timeout=HANGING_S)


def test_nothing_is_lost_and_nothing_done_twice(tmp_path, monkeypatch):
    monkeypatch.setenv("STAND_IN_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("STAND_IN_SECONDS", "0.2" if CAMPAIGN else "0.02")
    table, out = write_tiny_exams(tmp_path / "exams", EXAMS), tmp_path / "out"
    (tmp_path / "cohort_program.py").write_text(PROGRAM)
    command = [sys.executable, str(tmp_path / "cohort_program.py"), str(table), str(out), str(WORKERS)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    rng = random.Random(20261128)
    moments = sorted(rng.sample(range(1, EXAMS - 1), WORKER_KILLS + SCHEDULER_KILLS))
    schedulers = set(rng.sample(moments, SCHEDULER_KILLS))
    counts = collections.Counter()

    def started():
        counts["runs"] += 1
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    process = started()
    for moment in moments:
        while not wait_for(process, out, moment):
            process = started()
        if moment in schedulers:
            end(process)
            counts["schedulers killed"] += 1
            process = started()
        elif workers := workers_of(process):
            rng.choice(workers).send_signal(signal.SIGKILL)
            counts["workers killed"] += 1
    process.wait(timeout=HANGING_S)
    # What failed, because every worker that it was given to was killed, is done by one more run.
    alone = [*command[:-1], "1"]
    assert subprocess.run(alone, env=environment, check=False, timeout=HANGING_S).returncode == 0
    rows = read_exam_rows(out, find_exams(table))
    assert [row.status for row in rows] == ["ok"] * EXAMS
    computed = collections.Counter(line.split()[0] for line in (tmp_path / "log").read_text().splitlines())
    assert set(computed) == {str(row.case) for row in rows}
    # Killed between its result and the rename an exam is computed again: at most once for every kill of a worker's process.
    counts["exams"], counts["computed again"] = len(rows), sum(computed.values()) - EXAMS
    assert counts["computed again"] <= counts["workers killed"] + WORKERS * counts["schedulers killed"]
    before = (tmp_path / "log").read_text()
    subprocess.run(alone, env=environment, check=True, timeout=HANGING_S)
    assert (tmp_path / "log").read_text() == before, "a complete exam was computed again"
    record("killed cohorts", dict(counts))
