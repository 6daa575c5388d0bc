"""The folder of a long job, read and written without any process: torn lines, full disks, processes that are gone."""

from __future__ import annotations

import datetime
import json
import os
import resource
import shutil
import subprocess
import sys
import time

import pytest

from MSSoftSegLib.errors import DiskFull, JobCancelled, JobFailed, OutputExists
from MSSoftSegLib.jobs.detached.attaching import follow
from MSSoftSegLib.jobs.detached.cleaning import find_ended_before, remove
from MSSoftSegLib.jobs.detached.detach import make_spec_absolute
from MSSoftSegLib.jobs.detached.event_log import EventLog
from MSSoftSegLib.jobs.detached.folder import (
    EVENTS,
    HEARTBEAT,
    JOB,
    PROCESS,
    RESERVE,
    create_job_folder,
    write_document,
)
from MSSoftSegLib.jobs.detached.one_writer import hold_output
from MSSoftSegLib.jobs.detached.reading import EventTail, list_jobs, read_job, request_cancel
from MSSoftSegLib.jobs.detached.starting import check_nobody_writes_to, make_resumed_spec
from MSSoftSegLib.process_identity import identify_process


@pytest.fixture(autouse=True)
def jobs(tmp_path, monkeypatch):
    monkeypatch.setenv("MSSOFTSEG_JOBS", str(tmp_path / "jobs"))
    return tmp_path / "jobs"


@pytest.fixture
def folder(tmp_path):
    return create_job_folder("train", {"library": "/l", "recipe": "mssoftseg", "out": str(tmp_path / "model")})


def progress(number):
    return {"event": "progress", "job": "j", "stage": "training", "fraction": 0.5, "overall": number, "message": "on"}


RESULT = {"event": "result", "job": "j", "path": "model", "summary": {"members": 1}}
CANCELLED = {"event": "cancelled", "job": "j"}
FULL = {"event": "failed", "job": "j", "code": "disk-full", "message": "the disk is full", "remedy": "free some space"}


def written(folder, *events):
    log = EventLog(folder)
    for event in events:
        log.emit(event)
    log.close()


def of_this_process(folder, **changes):
    write_document(folder / PROCESS, identify_process(os.getpid()) | changes)


def made_old(folder):
    then = time.time() - 3600
    for name in (JOB, PROCESS, HEARTBEAT):
        if (folder / name).exists():
            os.utime(folder / name, (then, then))


def test_a_half_written_event_is_given_once_it_is_whole(folder):
    tail, line = EventTail(folder), json.dumps(progress(0.25)).encode() + b"\n"
    assert tail.new_events() == [], "before the file is there"
    with (folder / EVENTS).open("ab", buffering=0) as stream:
        stream.write(line + line[:17])
        assert tail.new_events() == [progress(0.25)]
        assert tail.new_events() == []
        stream.write(line[17:])
        assert tail.new_events() == [progress(0.25)]


def test_a_line_that_a_kill_has_torn_is_passed_over_and_does_not_spoil_the_next(folder):
    written(folder, progress(0.1))
    with (folder / EVENTS).open("ab") as stream:
        stream.write(b'{"event": "progress", "overa')
    written(folder, progress(0.2))
    assert [event["overall"] for event in EventTail(folder).new_events()] == [0.1, 0.2]


def test_a_file_that_was_cut_or_replaced_is_read_again(folder):
    written(folder, progress(0.1), progress(0.2))
    tail = EventTail(folder)
    assert len(tail.new_events()) == 2
    (folder / EVENTS).unlink()
    written(folder, progress(0.3))
    assert [event["overall"] for event in tail.new_events()] == [0.3]
    os.truncate(folder / EVENTS, 0)
    assert tail.new_events() == []
    written(folder, progress(0.4))
    assert [event["overall"] for event in tail.new_events()] == [0.4]


def test_bytes_that_are_no_events_are_no_events(folder):
    (folder / EVENTS).write_bytes(b"\x00\xff\n[1]\n{}\n" + b"[" * 9999 + b"\n\n" + json.dumps(RESULT).encode() + b"\n")
    assert EventTail(folder).new_events() == [RESULT]


@pytest.mark.parametrize(
    ("last", "state"), [(RESULT, "finished"), (FULL, "failed"), (CANCELLED, "cancelled"), (progress(0.5), "running")]
)
def test_the_state_follows_from_the_last_event(last, state, folder):
    of_this_process(folder)
    written(folder, progress(0.4), last)
    found = read_job(folder)
    assert found.state == state
    assert (found.result == {"members": 1}) == (state == "finished")
    assert (found.last_error == "the disk is full — free some space") == (state == "failed")
    assert found.overall == {"finished": 1.0, "running": 0.5}.get(state, 0.4)


def test_a_job_whose_process_is_gone_is_lost_and_says_what_to_do(folder):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    known = identify_process(gone.pid)
    gone.wait()
    write_document(folder / PROCESS, known)
    (folder / HEARTBEAT).touch()
    assert read_job(folder).state == "lost"
    assert "resume" in read_job(folder).last_error


def test_a_dead_child_that_nobody_has_buried_is_gone(folder):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    write_document(folder / PROCESS, identify_process(child.pid))
    assert read_job(folder).state == "running"
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert read_job(folder).state == "lost"
    child.stdin.close()
    child.wait()


def test_another_process_with_the_same_number_is_not_the_jobs(folder):
    of_this_process(folder)
    assert read_job(folder).state == "running"
    of_this_process(folder, started="1 ticks")
    assert read_job(folder).state == "lost"


def test_on_another_machine_the_heartbeat_decides(folder):
    of_this_process(folder, machine="somewhere else")
    (folder / HEARTBEAT).touch()
    assert read_job(folder).state == "running"
    made_old(folder)
    assert read_job(folder).state == "lost"
    # It may live there: nothing that was not seen is said of it.
    assert "on the machine somewhere" in read_job(folder).last_error
    assert "ended" not in read_job(folder).last_error
    assert "on the machine somewhere" in str(follow(folder, lambda event: None).error)


@pytest.mark.parametrize("days", [-3, 3])
def test_a_clock_that_is_set_makes_no_job_of_another_machine_lost(folder, monkeypatch, days):
    of_this_process(folder, machine="somewhere else")
    (folder / HEARTBEAT).touch()
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + days * 86400)
    assert read_job(folder).state == "running"


def test_a_job_that_was_only_just_asked_for_is_not_lost(folder):
    assert read_job(folder).state == "running"
    made_old(folder)
    assert read_job(folder).state == "lost"


def test_many_events_do_not_hide_how_a_job_is(folder):
    of_this_process(folder)
    written(folder, *[progress(number / 2000) for number in range(2000)])
    assert read_job(folder).overall == 1999 / 2000


def test_jobs_are_listed_latest_first_and_damage_hides_none(folder, jobs):
    (jobs / "notes").mkdir()
    second = create_job_folder("study", {"out": "/s"})
    document = json.loads((second / JOB).read_text()) | {"created": "2999-01-01T00:00:00+00:00"}
    write_document(second / JOB, document)
    assert [state.kind for state in list_jobs()] == ["study", "train"]
    (second / JOB).write_text("{torn")
    assert {state.kind: state.state for state in list_jobs()} == {"train": "running", "unknown": "lost"}
    shutil.rmtree(jobs)
    assert list_jobs() == ()
    assert read_job(folder) is None
    with pytest.raises(FileNotFoundError):
        request_cancel(folder)


def test_a_full_disk_loses_messages_but_neither_the_job_nor_its_end(folder):
    log = EventLog(folder)
    log.emit(progress(0.1))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((folder / EVENTS).stat().st_size + 20, limits[1]))
    try:
        log.emit(progress(0.2))
        log.emit(progress(0.3))
        assert len(EventTail(folder).new_events()) == 1
        assert (folder / EVENTS).read_bytes().endswith(b"}\n"), "no torn line stays"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    log.emit(progress(0.4))
    log.emit(RESULT)
    log.close()
    said = EventTail(folder).new_events()
    assert [event["event"] for event in said] == ["progress", "log", "progress", "result"]
    assert "2 of its messages are lost" in said[1]["message"]
    assert not (folder / RESERVE).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk can be mounted by the administrator only")
def test_the_last_event_finds_room_on_a_disk_that_is_full(tmp_path, jobs):
    jobs.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(jobs)], check=False).returncode:
        pytest.skip("this container may not mount")
    try:
        folder = create_job_folder("train", {"out": str(tmp_path / "model")})
        log = EventLog(folder, patience_s=2.0)
        for number in range(2000):
            log.emit(progress(number / 2000))
        filled = EventTail(folder).new_events()
        assert 0 < len(filled) < 2000
        log.emit(FULL)
        log.close()
        assert EventTail(folder).new_events()[-1] == FULL
        assert read_job(folder).state == "failed"
    finally:
        subprocess.run(["umount", str(jobs)], check=True)


def test_who_attaches_is_told_what_a_foreground_run_would_have_said(folder, tmp_path):
    written(folder, progress(0.5), CANCELLED)
    outcome = follow(folder, lambda event: None)
    assert (outcome.exit_code, type(outcome.error)) == (130, JobCancelled)
    written(folder, {"event": "log", "job": "j", "level": "info", "message": "resumed"}, progress(0.6), FULL)
    said = []
    outcome = follow(folder, said.append)
    assert (outcome.exit_code, type(outcome.error), str(outcome.error)) == (
        3,
        DiskFull,
        "the disk is full — free some space",
    )
    assert [event["event"] for event in said] == ["log", "progress", "failed"], "what was before it was resumed is past"
    written(folder, progress(0.7), FULL | {"code": "of a later version"})
    assert type(follow(folder, lambda event: None).error) is JobFailed
    written(folder, progress(0.8), RESULT)
    outcome = follow(folder, lambda event: None)
    assert (outcome.exit_code, outcome.path) == (0, tmp_path / "model")


def test_who_attaches_to_a_lost_job_is_told_how_to_go_on(folder):
    of_this_process(folder, started="1 ticks")
    outcome = follow(folder, lambda event: None)
    assert outcome.exit_code == 4
    assert f"jobs resume {folder.name}" in str(outcome.error)


def test_who_attaches_to_a_folder_that_vanishes_is_told_so(folder):
    of_this_process(folder)
    said = []

    def vanish(event):
        said.append(event)
        shutil.rmtree(folder)

    written(folder, progress(0.5))
    with pytest.raises(JobFailed, match="was removed"):
        follow(folder, vanish)
    assert said == [progress(0.5)]


def test_old_jobs_are_cleaned_away_and_running_ones_are_not(folder):
    now = datetime.datetime.now(datetime.UTC)
    of_this_process(folder)
    assert find_ended_before(list_jobs(), days=0, now=now + datetime.timedelta(days=99)) == []
    written(folder, RESULT)
    assert find_ended_before(list_jobs(), days=30, now=now) == []
    old = find_ended_before(list_jobs(), days=30, now=now + datetime.timedelta(days=31))
    remove(old)
    assert [state.folder for state in old] == [folder]
    assert not folder.exists()


def test_a_second_job_with_the_same_output_is_refused_by_every_name_of_it(folder, tmp_path):
    of_this_process(folder)
    (tmp_path / "elsewhere").symlink_to(tmp_path)
    for name in (tmp_path / "model", tmp_path / "elsewhere" / "model"):
        with pytest.raises(OutputExists, match="is making model"):
            check_nobody_writes_to(str(name))
    check_nobody_writes_to(str(tmp_path / "model2"))
    written(folder, RESULT)
    check_nobody_writes_to(str(tmp_path / "model"))


def test_an_output_belongs_to_one_process_and_is_free_when_that_is_killed(tmp_path):
    code = "import sys, pathlib\nfrom MSSoftSegLib.jobs.detached.one_writer import hold_output\n"
    code += "with hold_output(pathlib.Path(sys.argv[1])):\n print('held', flush=True)\n sys.stdin.read()"
    command = [sys.executable, "-c", code, str(tmp_path / "m")]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(OutputExists, match="another job is making m"), hold_output(tmp_path / "m"):
        pass
    with hold_output(tmp_path / "other"):
        pass
    holder.kill()
    holder.communicate()
    with hold_output(tmp_path / "m"):
        pass


def test_a_job_means_the_same_in_every_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kats2019").mkdir()
    (tmp_path / "mine.toml").touch()
    given = {"library": "l", "recipe": "mine.toml", "out": "m", "init": "starter"}
    spec = make_spec_absolute("train", given)
    assert {spec["library"], spec["recipe"], spec["out"]} == {str(tmp_path / name) for name in ("l", "mine.toml", "m")}
    assert spec["init"] == "starter"
    assert make_spec_absolute("train", given | {"recipe": "kats2019"})["recipe"] == "kats2019", "a name before a folder"


def test_a_run_goes_on_only_where_the_job_had_begun_it(folder, tmp_path):
    written(folder, CANCELLED)
    config = tmp_path / "model.run" / "config.json"
    asked = json.loads((folder / JOB).read_text())
    write_document(folder / JOB, asked | {"spec": asked["spec"] | {"overwrite": True}})
    assert make_resumed_spec(read_job(folder))["overwrite"] is True, "nothing was begun"
    config.parent.mkdir()
    config.touch()
    resumed = make_resumed_spec(read_job(folder))
    assert (resumed["resume"], resumed["overwrite"], resumed["replace"]) == (True, False, True)
    long_ago = time.time() - 3600
    os.utime(config, (long_ago, long_ago))
    assert make_resumed_spec(read_job(folder))["overwrite"] is True, "that run is the one to be replaced"
