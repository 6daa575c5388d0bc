"""A segmentation that is killed at any moment leaves no result folder, or a complete one; and the next run works.

Three kills in ``make test``; a hundred in ``make campaigns``, whose outcome is kept in Benchmarks/results.
"""

from __future__ import annotations

import collections
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from Testing.campaigns.record import CAMPAIGN, record
from Testing.MSSoftSegLib.jobs.small_exam import write_small_exam
from Testing.MSSoftSegLib.network.bundles import write_random_bundle
from Testing.patience import HANGING_S

KILLS = 100 if CAMPAIGN else 3
FILES = {
    "lesion_probability.nii.gz",
    "lesion_entropy.nii.gz",
    "lesion_mutual_information.nii.gz",
    "lesion_mask.nii.gz",
    "lesion_instances.nii.gz",
    "lesions.csv",
    "region_probabilities.nii.gz",
    "report.html",
    "result.json",
    "working",
}


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.setenv("MSSOFTSEG_CACHE", str(tmp_path / "cache"))
    write_small_exam(tmp_path)
    bundle = write_random_bundle(tmp_path / "little")
    parts = [sys.executable, "-m", "MSSoftSegLib", "segment", "--exam", str(tmp_path / "exam"), "--model", str(bundle)]
    return [*parts, "--brain", str(tmp_path / "brain.nii.gz"), "--out", str(tmp_path / "out"), "--overwrite"]


def run_whole(command):
    """Run the command to its end; the seconds that it took."""
    started = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, timeout=HANGING_S)
    return time.monotonic() - started


def run_for(command, seconds):
    """Start the command and kill it without warning after so many seconds; True when it had ended by itself."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(timeout=seconds)
        return True
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=HANGING_S)
        return False


def test_killed_segmentations_leave_a_complete_result_or_none(tmp_path, command):
    whole_run_s = run_whole(command)
    counts = collections.Counter()
    rng = random.Random(20260101)
    for number in range(KILLS):
        had_result = (tmp_path / "out").exists() and number % 2 == 0
        if (tmp_path / "out").exists() and not had_result:
            subprocess.run(["rm", "-r", str(tmp_path / "out")], check=True)
        finished = run_for(command, rng.uniform(0, 1.1 * whole_run_s))
        exists = (tmp_path / "out").exists()
        counts[
            "finished" if finished else "old kept" if had_result and exists else "new complete" if exists else "none"
        ] += 1
        if exists:
            assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
        else:
            assert not finished
    assert sum(counts.values()) == KILLS
    run_whole(command)
    left = [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")]
    assert left == []
    record("killed segmentations", dict(counts))
