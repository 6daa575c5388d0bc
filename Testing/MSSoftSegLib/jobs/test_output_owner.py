"""Whose an output is where several machines write to one disk: a living job's, wherever it runs, and nobody else's."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time

import pytest

from MSSoftSegLib.errors import JobCancelled, OutputExists
from MSSoftSegLib.jobs.detached import output_owner
from MSSoftSegLib.jobs.detached.one_writer import hold_output
from MSSoftSegLib.jobs.detached.output_owner import keep_output, name_owner_file
from MSSoftSegLib.process_identity import identify_process
from Testing.patience import HANGING_S


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    """Ten signs of life a second, and half a second without one is silence."""
    monkeypatch.setenv("MSSOFTSEG_JOBS", str(tmp_path / "jobs"))
    monkeypatch.setattr(output_owner, "BEAT_S", 0.1)
    monkeypatch.setattr(output_owner, "SILENT_AFTER_S", 0.5)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "share" / "model"


def owned(out, *, beat=0, **changes):
    """Another's owner file, of a process of another machine where nothing else is said."""
    file = name_owner_file(out)
    file.parent.mkdir(exist_ok=True)
    known = identify_process(os.getpid()) | {"machine": "hilda 1f", "token": "theirs"} | changes
    file.write_text(json.dumps(known | {"beat": f"{beat:08d}"}))
    return file


def wait_for(event):
    assert event.wait(HANGING_S)


def test_an_owner_shows_that_it_works_and_leaves_nothing(out):
    out.parent.mkdir()
    with keep_output(out) as taken:
        seen = name_owner_file(out).read_text()
        while name_owner_file(out).read_text() == seen:
            time.sleep(0.02)
        assert not taken.is_set()
    assert list(out.parent.iterdir()) == []


def test_a_job_that_works_on_another_machine_keeps_its_output(out):
    file, over, began = owned(out), threading.Event(), []

    def beat():
        number = 0
        while not over.wait(0.05):
            number += 1
            owned(out, beat=number)

    other = threading.Thread(target=beat)
    other.start()
    try:
        with pytest.raises(OutputExists, match="on the machine hilda"), keep_output(out):
            began.append(True)
    finally:
        over.set()
        other.join()
    assert began == []
    assert json.loads(file.read_text())["token"] == "theirs"
    assert not out.exists()


def test_a_silent_job_of_another_machine_is_taken_over_and_that_is_said(out, caplog):
    file = owned(out)
    with caplog.at_level(logging.WARNING), keep_output(out):
        assert json.loads(file.read_text())["token"] != "theirs"
    assert ["hilda" in told and "no sign of life" in told for told in caplog.messages] == [True]
    assert str(out.parent) not in caplog.text
    assert not file.exists()


def test_an_owner_that_is_old_by_its_disks_clock_is_not_waited_for(out, monkeypatch):
    monkeypatch.setattr(output_owner, "SILENT_AFTER_S", 3600.0)
    file = owned(out)
    os.utime(file, (time.time() - 7200,) * 2)
    with keep_output(out):
        assert json.loads(file.read_text())["token"] != "theirs"


def test_a_killed_job_of_this_machine_is_followed_at_once_and_without_a_word(out, monkeypatch, caplog):
    monkeypatch.setattr(output_owner, "SILENT_AFTER_S", 3600.0)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    known = identify_process(gone.pid)
    gone.wait()
    owned(out, **known)
    with keep_output(out):
        pass
    assert caplog.messages == []


def test_a_living_job_of_this_machine_keeps_its_output_though_it_is_silent(out):
    file = owned(out, **identify_process(os.getppid()))
    os.utime(file, (0, 0))
    with pytest.raises(OutputExists, match="another job is making model"), keep_output(out):
        pass
    assert json.loads(file.read_text())["token"] == "theirs"


def test_an_owner_that_was_taken_over_stops_and_says_by_whom(out):
    out.parent.mkdir()

    def work():
        with hold_output(out) as taken:
            owned(out)
            wait_for(taken)
            raise JobCancelled

    with pytest.raises(OutputExists, match="taken over by a job on another machine"):
        work()
    assert json.loads(name_owner_file(out).read_text())["token"] == "theirs"


def test_a_job_that_its_user_cancels_was_not_taken_over(out):
    out.parent.mkdir()
    with pytest.raises(JobCancelled), keep_output(out):
        raise JobCancelled
    assert list(out.parent.iterdir()) == []


def test_an_output_whose_folder_is_not_there_yet_makes_none_and_is_owned_once_it_is(out):
    with keep_output(out):
        assert not out.parent.exists()
        out.parent.mkdir()
        while not name_owner_file(out).exists():
            time.sleep(0.02)
    assert list(out.parent.iterdir()) == []


def test_an_owner_file_that_says_nothing_is_no_living_owners(out):
    file = owned(out)
    file.write_text("{torn")
    with keep_output(out):
        assert json.loads(file.read_text())["process"] == os.getpid()


def test_a_disk_that_takes_no_file_stops_no_job_and_keeps_no_empty_owner(out, monkeypatch):
    out.parent.mkdir()

    def full(token, beat):
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(output_owner, "_content", full)
    with keep_output(out) as taken:
        assert not taken.is_set()
        assert list(out.parent.iterdir()) == []
