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
import pytest

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
from MSSoftSegLib.cohort.exam_list import select_part
from MSSoftSegLib.cohort.one_exam import CohortRun
from MSSoftSegLib.cohort.segment_cohort import segment_cohort
from MSSoftSegLib.cohort.settings import CohortSettings
from MSSoftSegLib.segmenting.choices import SegmentChoices
from Testing.MSSoftSegLib.cohort.small_cohort import stand_in

if __name__ == "__main__":
    table, out, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    choices = SegmentChoices.model_validate({"preprocessing": {"brain": "none"}})
    run = CohortRun(out, CohortSettings(model="starter", choices=choices), stand_in)
    part, parts = map(int, sys.argv[4].split("/"))
    outcome = segment_cohort(select_part(find_exams(table), part, parts), run, capacity=Capacity(workers, 1, 2 * GIB))
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


class Cohort:
    """A table of tiny exams, and commands in processes of their own that segment it."""

    def __init__(self, folder, monkeypatch, *, seconds):
        monkeypatch.setenv("STAND_IN_LOG", str(folder / "log"))
        monkeypatch.setenv("STAND_IN_SECONDS", str(seconds))
        self.table, self.out, self.log = write_tiny_exams(folder / "exams", EXAMS), folder / "out", folder / "log"
        self.program = folder / "cohort_program.py"
        self.program.write_text(PROGRAM)
        self.environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def started(self, *, workers=WORKERS, part="1/1"):
        words = [sys.executable, str(self.program), str(self.table), str(self.out), str(workers), part]
        return subprocess.Popen(words, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def computed(self):
        """How often each exam was computed."""
        return collections.Counter(line.split()[0] for line in self.log.read_text().splitlines())

    def check(self, *, most_again):
        """Every exam has a result, none was computed though its result was complete, and one more run computes none."""
        rows = read_exam_rows(self.out, find_exams(self.table))
        assert [row.status for row in rows] == ["ok"] * EXAMS
        computed = self.computed()
        assert set(computed) == {str(row.case) for row in rows}
        # Killed between its result and the rename an exam is computed again: at most once for every kill of a worker's process.
        assert sum(computed.values()) - EXAMS <= most_again
        assert self.started(workers=1).wait(timeout=HANGING_S) == 0
        assert self.computed() == computed, "a complete exam was computed again"
        return sum(computed.values()) - EXAMS


def test_nothing_is_lost_and_nothing_done_twice(tmp_path, monkeypatch):
    cohort = Cohort(tmp_path, monkeypatch, seconds=0.2 if CAMPAIGN else 0.02)
    rng = random.Random(20261128)
    moments = sorted(rng.sample(range(1, EXAMS - 1), WORKER_KILLS + SCHEDULER_KILLS))
    schedulers = set(rng.sample(moments, SCHEDULER_KILLS))
    counts = collections.Counter(exams=EXAMS, runs=1)
    process = cohort.started()
    for moment in moments:
        while not wait_for(process, cohort.out, moment):
            process = cohort.started()
            counts["runs"] += 1
        if moment in schedulers:
            end(process)
            counts["schedulers killed"] += 1
            process = cohort.started()
            counts["runs"] += 1
        elif workers := workers_of(process):
            rng.choice(workers).send_signal(signal.SIGKILL)
            counts["workers killed"] += 1
    process.wait(timeout=HANGING_S)
    # What failed, because every worker that it was given to was killed, is done by one more run.
    assert cohort.started(workers=1).wait(timeout=HANGING_S) == 0
    again = cohort.check(most_again=counts["workers killed"] + WORKERS * counts["schedulers killed"])
    record("killed cohorts", {**counts, "computed again": again, "lost": 0})


@pytest.mark.skipif(not CAMPAIGN, reason="make campaigns: six processes of their own")
def test_two_nodes_share_a_folder_and_one_of_them_dies(tmp_path, monkeypatch):
    """Two clusters, each with a scheduler and two workers that speak TCP, take half of the exams each, as an array job would."""
    cohort = Cohort(tmp_path, monkeypatch, seconds=0.1)
    nodes = [cohort.started(part="1/2"), cohort.started(part="2/2")]
    for moment in (EXAMS // 4, EXAMS // 2):
        assert wait_for(nodes[0], cohort.out, moment)
        end(nodes[0])
        nodes[0] = cohort.started(part="1/2")
    assert [node.wait(timeout=HANGING_S) for node in nodes] == [0, 0]
    again = cohort.check(most_again=2 * WORKERS)
    record("cohort on two nodes", {"exams": EXAMS, "nodes killed": 2, "computed again": again, "lost": 0})
