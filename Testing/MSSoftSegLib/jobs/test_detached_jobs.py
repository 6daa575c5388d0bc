"""Long jobs as real processes: stopped while preparing, gone on with, watched by two at once, their folder deleted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import psutil
import pytest

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.jobs.detached import reading
from MSSoftSegLib.jobs.detached.attaching import follow
from MSSoftSegLib.jobs.detached.folder import LOCK, LOG, create_job_folder
from MSSoftSegLib.jobs.detached.one_writer import hold_lock
from MSSoftSegLib.jobs.detached.reading import EventTail, list_jobs, read_job
from MSSoftSegLib.jobs.detached.running import end_at_signal
from Testing.MSSoftSegLib.jobs.detached_jobs import process_of, quiet_environment, small_training, wait_until
from Testing.patience import HANGING_S


@pytest.fixture(autouse=True)
def jobs(tmp_path, monkeypatch):
    monkeypatch.setenv("MSSOFTSEG_JOBS", str(tmp_path / "jobs"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    # On a busy machine a process takes longer to begin than a user would wait before she takes it for dead.
    monkeypatch.setattr(reading, "SILENT_AFTER_S", HANGING_S)
    # At its usual place behind everything else a training would wait for other tests to end.
    monkeypatch.setenv("MSSOFTSEG_JOB_NICENESS", "1")


def train_arguments(spec, *more):
    named = [part for key in ("library", "recipe", "out", "device", "precision") for part in (f"--{key}", spec[key])]
    return ["train", *named, *more]


def stages(events):
    return {event["stage"] for event in events if event["event"] == "progress"}


def test_a_training_is_stopped_while_it_prepares_gone_on_with_and_ends_with_its_folder(tmp_path, capsys):
    spec = small_training(tmp_path, cases=12)
    assert run_command(train_arguments(spec, "--epochs", "4000", "--detach")) == 0
    (state,) = list_jobs()
    assert capsys.readouterr().out == f"{state.name}\n"
    assert run_command(train_arguments(spec, "--detach")) == 2
    assert f"the job {state.name} is making model" in capsys.readouterr().err
    tail = EventTail(state.folder)
    wait_until(lambda: "preparing" in stages(tail.new_events()))
    assert run_command(["jobs", "cancel", state.name]) == 0
    assert follow(state.folder, lambda event: None).exit_code == 130
    assert stages(EventTail(state.folder).new_events()) == {"preparing"}
    assert run_command(["jobs", "attach"]) == 130

    assert run_command(["jobs", "resume", state.name]) == 0
    assert run_command(["jobs", "resume", state.name]) == 2
    assert "it is running" in capsys.readouterr().err
    first, second = [], []
    watchers = [threading.Thread(target=watch, args=(state.folder, said), daemon=True) for said in (first, second)]
    for watcher in watchers:
        watcher.start()
    wait_until(lambda: "training" in stages(first) and "training" in stages(second))
    process = psutil.Process(process_of(state.folder))
    assert process not in psutil.Process().children(recursive=True), (
        "a kill of its starter's descendants does not reach it"
    )
    assert os.getsid(process.pid) == os.getpgid(process.pid) == process.pid
    assert process.nice() == min(19, os.nice(0) + 1)
    process.send_signal(signal.SIGHUP)
    with interrupted_soon():
        assert run_command(["jobs", "attach"]) == 130
    assert "the job runs on" in capsys.readouterr().err
    assert read_job(state.folder).state == "running"

    assert str(tmp_path) not in (state.folder / LOG).read_text()
    shutil.rmtree(state.folder)
    process.wait(timeout=HANGING_S)
    assert (tmp_path / "model.run" / "fold-0-model-0" / "checkpoint.pt").is_file(), "what was computed is kept"
    assert list_jobs() == ()


def watch(folder, said):
    try:
        follow(folder, said.append)
    except Exception as problem:
        said.append({"event": "vanished", "why": str(problem)})


@contextmanager
def interrupted_soon():
    """Ctrl-C after a second; parallel test processes ignore it otherwise."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def in_a_process(folder, **variables):
    return subprocess.Popen(
        [sys.executable, "-m", "MSSoftSegLib.jobs.detached", str(folder)],
        env=quiet_environment() | variables,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def pairs(tmp_path):
    """A ``compare`` document: quick, without torch, and runs as any job does."""
    return {"first": str(tmp_path / "a"), "second": str(tmp_path / "b"), "out": str(tmp_path / "c")}


def test_a_job_that_fails_at_once_says_why_in_its_folder(tmp_path, pairs):
    folder = create_job_folder("compare", pairs)
    process = in_a_process(folder)
    process.communicate()
    assert process.returncode == 2
    assert read_job(folder).state == "failed"
    assert read_job(folder).last_error
    assert str(tmp_path) not in json.dumps(EventTail(folder).new_events())


def test_a_job_that_is_no_job_says_so_in_its_folder(pairs):
    folder = create_job_folder("compare", pairs | {"surprise": 1})
    in_a_process(folder).communicate()
    assert "surprise" in str(read_job(folder).last_error)


def test_two_processes_never_work_on_one_job(pairs):
    folder = create_job_folder("compare", pairs)
    with hold_lock(folder / LOCK) as is_ours:
        assert is_ours
        process = in_a_process(folder)
        assert "runs already" in process.communicate()[1]
    assert process.returncode == 2
    assert EventTail(folder).new_events() == [], "the one that works is not spoken for"


def test_a_machine_that_is_shut_down_stops_a_job_at_a_checkpoint():
    before = signal.getsignal(signal.SIGTERM)
    try:
        asked = end_at_signal()
        assert not asked.is_set()
        signal.raise_signal(signal.SIGTERM)
        assert asked.is_set()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_jobs_that_are_not_there_are_named(capsys):
    assert run_command(["jobs", "attach"]) == 2
    assert run_command(["jobs", "cancel", "train-2"]) == 2
    assert "no job is called 'train-2'" in capsys.readouterr().err
    create_job_folder("train", {"out": "/m"})
    create_job_folder("train", {"out": "/n"})
    assert run_command(["jobs", "cancel", "train-"]) == 2
    assert "2 jobs begin with 'train-'" in capsys.readouterr().err
    assert run_command(["jobs", "list", "--json"]) == 0
    assert {job["state"] for job in json.loads(capsys.readouterr().out)} == {"running"}
