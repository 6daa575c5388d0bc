"""A training in a process of its own outlives the worker that started it, and is gone on with where it was killed.

At a random moment everything in the worker's process group is killed −9, at a later one the training itself; it is then
resumed, by the shell's way or a new worker's. It ends with one result event and with the weights of a training that
nobody disturbed, bit by bit. One kill in ``make test``; in ``make campaigns`` thirty, whose outcome is kept in
Benchmarks/results.
"""

from __future__ import annotations

import collections
import hashlib
import random
import shutil
import time

import pytest
import torch

from MSSoftSegLib.jobs.detached import reading
from MSSoftSegLib.jobs.detached.attaching import follow
from MSSoftSegLib.jobs.detached.reading import EventTail, list_jobs, read_job
from MSSoftSegLib.jobs.detached.starting import resume
from MSSoftSegLib.jobs.run import parse_job, run
from Testing.campaigns.record import CAMPAIGN, record
from Testing.MSSoftSegLib.jobs.detached_jobs import RealWorker, kill, process_of, small_training, wait_until
from Testing.patience import HANGING_S

KILLS = 30 if CAMPAIGN else 1
SEED = 20260401


@pytest.fixture
def training(tmp_path, monkeypatch):
    monkeypatch.setenv("MSSOFTSEG_JOBS", str(tmp_path / "jobs"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    # On a busy machine a process takes longer to begin than a user would wait before she takes it for dead.
    monkeypatch.setattr(reading, "SILENT_AFTER_S", HANGING_S)
    monkeypatch.setenv("MSSOFTSEG_JOB_NICENESS", "0")
    return small_training(tmp_path)


def weights(model):
    return hashlib.sha256((model / "weights.safetensors").read_bytes()).hexdigest()


def curve(model):
    """Every step's number, rate and loss, without the times."""
    rows = (model / "curves" / "steps.csv").read_text().splitlines()
    return [row.rpartition(",")[0] for row in rows]


def ends(folder):
    return [event["event"] for event in EventTail(folder).new_events() if event["event"] in ("result", "failed")]


def undisturbed(spec, model):
    """Seconds that a training takes which nobody disturbs, here in this process; its weights and curve."""
    before, begun_s = torch.get_num_threads(), time.monotonic()
    torch.set_num_threads(1)
    try:
        outcome = run(parse_job({"job": "here", "kind": "train", "spec": spec | {"out": str(model)}}), print)
    finally:
        torch.set_num_threads(before)
    assert outcome.exit_code == 0, outcome.error
    return time.monotonic() - begun_s, weights(model), curve(model)


def begun(worker, spec):
    answer = worker.ask("detach", {"kind": "train", "spec": spec})
    assert answer["event"] == "result", answer
    return next(state.folder for state in list_jobs() if state.name == answer["summary"]["job"])


def test_trainings_outlive_their_worker_and_go_on_after_a_kill(tmp_path, training):
    whole_s, expected, expected_curve = undisturbed(training, tmp_path / "reference")
    model = tmp_path / "model"
    rng, counts, killed = random.Random(SEED), collections.Counter(), 0
    while killed < KILLS:
        shutil.rmtree(model, ignore_errors=True)
        worker = RealWorker()
        folder = begun(worker, training | {"overwrite": True})
        tail = EventTail(folder)
        after_s = rng.uniform(0.02, 1.0) * whole_s
        if rng.random() < 0.25:
            wait_until(lambda folder=folder: process_of(folder))
            after_s = rng.uniform(0, 3.0)
        else:
            wait_until(tail.new_events)
        end_s = time.monotonic() + after_s
        time.sleep(rng.random() * after_s)
        worker.kill_group()
        assert read_job(folder).state in ("running", "finished"), "the training outlives its worker"
        time.sleep(max(0.0, end_s - time.monotonic()))
        stage = read_job(folder).message.split(" ")[0] or "starting"
        if read_job(folder).state == "running":
            kill(folder, group=rng.random() < 0.5)
        wait_until(lambda folder=folder: read_job(folder).state != "running")
        if read_job(folder).state == "finished":
            counts["had finished"] += 1
            continue
        killed += 1
        counts[f"killed in {stage}"] += 1
        assert read_job(folder).state == "lost"
        assert follow(folder, lambda event: None).exit_code == 4
        resume(folder)
        first, second = [], []
        assert follow(folder, first.append).exit_code == 0, read_job(folder)
        assert follow(folder, second.append).exit_code == 0
        assert first == second, "whoever attaches is told the same"
        assert ends(folder) == ["result"]
        assert weights(model) == expected
        assert curve(model) == expected_curve
        assert [path.name for path in tmp_path.glob(".model*")] == []
    counts["went on, bit by bit"] = killed
    record("killed detached trainings", dict(counts))
