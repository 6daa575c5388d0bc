"""One worker for a long day: jobs, cancels, lines that are no requests. It answers each, does not grow, and leaves no process.

Twenty jobs in ``make test``; two hundred in ``make campaigns``.
"""

from __future__ import annotations

import collections
import random

import psutil
import pytest

from Testing.campaigns.damaged_inputs import lesions
from Testing.campaigns.record import CAMPAIGN, record
from Testing.MSSoftSegLib.jobs.worker_client import open_worker
from Testing.MSSoftSegLib.library.made_cases import written

JOBS = 200 if CAMPAIGN else 20
# By then every kind of job has run and the allocator holds what figures take; a leak would go on after it.
WARM = JOBS // 4
MOST_GROWTH = 1.10
NONSENSE = (
    "no JSON",
    "[1]",
    '{"job": "x", "kind": "dance", "spec": {}}',
    '{"job": "x", "kind": "softmask"}',
    "{" * 5000,
    "\x00",
)


@pytest.fixture
def worker():
    with open_worker() as client:
        yield client


def document(folder, number):
    """A soft mask or an evaluation; every seventh one of a file that is not there."""
    rater = folder / ("missing.nii.gz" if number % 7 == 6 else "rater.nii.gz")
    if number % 5 == 4:
        spec = {"truth": [str(rater)], "prediction": str(folder / "rater.nii.gz"), "out": str(folder / f"m{number}")}
        return {"job": f"j{number}", "kind": "evaluate", "spec": spec}
    spec = {"raters": [str(rater)], "softening": {"method": "gaussian"}, "out": str(folder / f"s{number}.nii.gz")}
    return {"job": f"j{number}", "kind": "softmask", "spec": spec}


def test_a_worker_does_a_long_day_without_growing_or_leaving_processes(worker, tmp_path):
    written(lesions(1), tmp_path / "rater.nii.gz")
    process, draw, counts = psutil.Process(worker.process.pid), random.Random("day"), collections.Counter()
    used = []
    for number in range(JOBS):
        for _ in range(draw.randrange(3)):
            worker.send(draw.choice(NONSENSE))
            assert worker.next()["event"] == "failed"
            counts["bad lines"] += 1
        worker.send(document(tmp_path, number))
        cancels = number >= WARM and draw.random() < 0.3
        if cancels:
            worker.send({"cancel": f"j{number}"})
        last = worker.until("result", "failed", "cancelled")[-1]
        assert last["job"] == f"j{number}"
        assert last["event"] != "failed" or number % 7 == 6, last
        # One that was done before the cancel came is done.
        assert last["event"] != "cancelled" or cancels
        counts[last["event"]] += 1
        used.append(process.memory_info().rss)
    assert counts["result"] > JOBS / 3
    assert max(used[WARM:]) <= MOST_GROWTH * used[WARM - 1], [u >> 20 for u in used]
    assert process.children(recursive=True) == []
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
    worker.send({"ping": 1})
    assert worker.next() == {"event": "pong"}
    begun, later, most = (round(each / 2**20) for each in (used[9], used[WARM - 1], max(used)))
    memory = {"MiB after 10 jobs": begun, f"MiB after {WARM} jobs": later, "MiB at most": most}
    record("one worker's long day", {**counts, **memory, "processes left": 0})
