"""What a killed study leaves: no trial at work, a plan that is whole or absent, nothing that bars the next attempt."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.jobs.documents.study import StudySpec
from MSSoftSegLib.jobs.train import study as job
from MSSoftSegLib.process_identity import mark_machine
from MSSoftSegLib.study.ending import start_process
from MSSoftSegLib.study.plan import PLAN_FILE, StudyPlan, read_plan, write_plan
from MSSoftSegLib.study.running import plan_trials, run_trials
from MSSoftSegLib.study.size import SMOKE
from MSSoftSegLib.study.trial import name_result_file
from MSSoftSegLib.training.engine.checkpoint import write_whole
from Testing.patience import HANGING_S

PLAN = StudyPlan(SMOKE, None, (frozenset({"a"}), frozenset({"b", "c"})))
WAITING = "import time; from MSSoftSegLib.study.ending import end_with_the_study; end_with_the_study(); time.sleep(600)"
# No process has it.
DEAD = 999_999_999


def test_a_trial_ends_when_the_study_is_gone_and_not_before(tmp_path):
    process = start_process([sys.executable, "-c", WAITING], tmp_path / "log", os.environ)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    # What the operating system does with everything that a killed process held.
    process.stdin.close()
    assert process.wait(HANGING_S) == 1


def test_a_trial_that_a_person_starts_waits_for_nobody(tmp_path):
    code = WAITING.replace("time.sleep(600)", "time.sleep(0.3)")
    ended = subprocess.run([sys.executable, "-c", code], stdin=subprocess.DEVNULL, check=False, timeout=HANGING_S)
    assert ended.returncode == 0


def test_a_plan_is_written_whole_and_read_again(tmp_path):
    write_plan(tmp_path, PLAN)
    assert read_plan(tmp_path, None) == PLAN
    assert [path.name for path in tmp_path.iterdir()] == [PLAN_FILE]


@pytest.mark.parametrize("content", [b"", b'{"size": "smo', b"[" * 20_000, b'{"size": "gone", "own_patients": true}'])
def test_a_damaged_plan_is_named(tmp_path, content):
    (tmp_path / PLAN_FILE).write_bytes(content)
    with pytest.raises(RequestError, match="damaged, or of another version"):
        read_plan(tmp_path, None)


def test_a_plan_of_a_size_that_is_unknown_is_named(tmp_path):
    write_plan(tmp_path, PLAN)
    document = json.loads((tmp_path / PLAN_FILE).read_text())
    (tmp_path / PLAN_FILE).write_text(json.dumps({**document, "size": "giant"}))
    with pytest.raises(RequestError, match="damaged, or of another version"):
        read_plan(tmp_path, None)


def test_a_plan_that_was_being_written_does_not_bar_the_next_attempt(tmp_path, monkeypatch):
    out = tmp_path / "out"
    (out / "library").mkdir(parents=True)
    left = out / f".{PLAN_FILE}.partial-{mark_machine()}-{DEAD}"
    left.write_text("{")
    monkeypatch.setattr(job, "write_digital_library", lambda *given, **more: None)
    monkeypatch.setattr(job, "_loads_ml", lambda library: {"a": 1.0, "b": 2.0})

    class Told:
        def progress(self, *said):
            pass

    plan = job._open_study(StudySpec(out=out, size="smoke"), Told())
    assert not left.exists()
    assert read_plan(out, None) == plan


def test_prepared_cases_go_though_the_study_was_killed_after_its_last_trial(tmp_path):
    for trial in plan_trials(PLAN):
        path = name_result_file(tmp_path, trial)
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}")
    (tmp_path / "prepared" / "0123456789abcdef" / "case-1").mkdir(parents=True)
    told = {"progress": lambda fraction, message: None, "cancelled": lambda: False}
    assert run_trials(tmp_path, PLAN, side_by_side=1, **told) == []
    assert list((tmp_path / "prepared").iterdir()) == []


def test_what_a_killed_writer_left_of_a_file_goes_with_the_next_writing(tmp_path):
    left = tmp_path / f".metrics.csv.partial-{mark_machine()}-{DEAD}"
    left.write_bytes(b"half")
    write_whole(tmp_path / "metrics.csv", b"whole")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"metrics.csv": b"whole"}
