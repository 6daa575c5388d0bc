"""The worker as the Slicer module uses it: a process, JSON lines, alive whatever it is sent."""

from __future__ import annotations

import pytest

from Testing.MSSoftSegLib.jobs.small_exam import write_small_exam
from Testing.MSSoftSegLib.jobs.worker_client import open_worker
from Testing.patience import HANGING_S


@pytest.fixture
def worker():
    with open_worker() as client:
        yield client


def job(tmp_path, name, out):
    exam = tmp_path / "exam"
    return {
        "job": name,
        "kind": "preprocess",
        "spec": {
            "exam": {"folder": str(exam)},
            "out": str(tmp_path / out),
            "preprocessing": {"brain": str(tmp_path / "brain.nii.gz")},
        },
    }


def test_it_answers_pings_and_lives_on_after_nonsense(worker):
    for request in (
        "this is not JSON",
        "[1, 2]",
        {"job": "j0", "kind": "dance", "spec": {}},
        {"job": "j1", "kind": "segment"},
    ):
        worker.send(request)
        assert worker.next()["event"] == "failed"
    worker.send({"ping": 1})
    assert worker.next() == {"event": "pong"}
    worker.send({"shutdown": 1})
    assert worker.process.wait(timeout=HANGING_S) == 0


@pytest.mark.parametrize("line", ["[" * 200_000, '{"job": "\\ud800", "kind": "dance"}'])
def test_a_hostile_line_is_answered_by_failed_and_it_lives_on(worker, line):
    worker.send(line)
    assert worker.next()["event"] == "failed"
    worker.send({"ping": 1})
    assert worker.next() == {"event": "pong"}


def test_it_runs_job_after_job_and_names_each(worker, tmp_path):
    write_small_exam(tmp_path)
    for name in ("first", "second"):
        worker.send(job(tmp_path, name, name))
        events = worker.until("result", "failed", "cancelled")
        assert events[0] == {**events[0], "event": "started", "job": name}
        assert events[-1]["event"] == "result"
        assert {event["job"] for event in events} == {name}
        assert (tmp_path / name / "working.json").exists()


def test_a_cancelled_job_leaves_nothing_and_the_next_one_works(worker, tmp_path):
    write_small_exam(tmp_path)
    worker.send(job(tmp_path, "j1", "one"))
    assert worker.next()["event"] == "started"
    worker.send({"cancel": "j1"})
    assert worker.until("result", "failed", "cancelled")[-1] == {"event": "cancelled", "job": "j1"}
    assert not (tmp_path / "one").exists()
    worker.send(job(tmp_path, "j2", "two"))
    assert worker.until("result", "failed", "cancelled")[-1]["event"] == "result"


def test_it_ends_when_its_master_goes_away(worker):
    worker.process.stdin.close()
    assert worker.process.wait(timeout=HANGING_S) == 0
