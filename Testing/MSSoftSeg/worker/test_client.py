"""The worker's client against processes of every temper: each job ends exactly once, and the next one works."""

from __future__ import annotations

import json
import os
import signal
import sys

import pytest
from MSSoftSegGUI.worker.client import LAST_EVENTS, WorkerClient
from MSSoftSegGUI.worker.processes import ProcessCommand

from Testing.MSSoftSeg.stand_ins.real_processes import EventLoop, RealProcess, python_command, script_command
from Testing.MSSoftSegLib.jobs.small_exam import write_small_exam
from Testing.patience import HANGING_S
from Testing.processes import has_ended

# Answers each job as its "kind" says; {"pid": …} on start is no event of a job and must be ignored.
TEMPERS = r"""
import json, os, subprocess, sys, time
def say(event): sys.stdout.write(json.dumps(event) + "\n"); sys.stdout.flush()
def raw(data): os.write(1, data)
for line in sys.stdin:
    request = json.loads(line)
    if "ping" in request: say({"event": "pong"}); continue
    if "get_ready" in request: open(sys.argv[1], "a").write("ready "); continue
    if "cancel" in request: continue
    job, kind = request["job"], request["kind"]
    say({"event": "started", "job": job, "kind": kind, "stages": ["reading"], "pid": os.getpid()})
    if kind == "good": say({"event": "result", "job": job, "path": "x", "summary": {}})
    elif kind == "crumbs":
        event = {"event": "progress", "job": job, "stage": "reading", "overall": 0.5, "message": "é"}
        whole = json.dumps(event, ensure_ascii=False).encode()
        for byte in whole + b"\n": raw(bytes([byte])); time.sleep(0.001)
        say({"event": "result", "job": job, "path": "x", "summary": {}})
    elif kind == "garbage":
        raw(b"\xff\xfe not json\n[1, 2]\n\"text\"\n{\"event\": 7}\n{\"job\": \"" + job.encode() + b"\"}\n\n")
        raw(b"[" * 100000 + b"\n")
        say({"event": "dance", "job": job}); say({"event": "result", "job": "another", "path": "y"})
        say({"event": "result", "job": job, "path": "x", "summary": {}})
        say({"event": "failed", "job": job, "code": "x", "message": "too late", "remedy": ""})
    elif kind == "dies": sys.stderr.write("last words\n"); sys.stderr.flush(); os._exit(3)
    elif kind == "lacks":
        for piece in ("ModuleNotFoundError: No mod", "ule named 'surely_not_there_either'", "\n"):
            sys.stderr.write(piece); sys.stderr.flush(); time.sleep(0.1)
        os._exit(1)
    elif kind == "deaf":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(86400)"])
        say({"event": "progress", "job": job, "stage": "inference", "overall": 0.2, "child": child.pid})
        time.sleep(86400)
"""


@pytest.fixture
def loop():
    return EventLoop()


@pytest.fixture
def clients(loop):
    made = []

    def make(command=lambda: script_command(TEMPERS), **settings):
        processes = []

        def make_process():
            processes.append(RealProcess(loop))
            return processes[-1]

        made.append(WorkerClient(command, make_process, loop.later, **settings))
        made[-1].processes = processes
        return made[-1]

    yield make
    for client in made:
        client.shutdown()


def submit(client, name, kind):
    events = []
    client.submit({"job": name, "kind": kind, "spec": {}}, events.append)
    return events


def ended(events):
    return bool(events) and events[-1]["event"] in LAST_EVENTS


def test_no_process_is_started_before_the_first_job(loop, clients):
    client = clients()
    loop.for_a_while(0.05)
    assert not client.is_running
    assert client.processes == []


def test_a_client_that_is_woken_has_a_process_ready_for_the_first_job_and_wakes_but_once(loop, clients, tmp_path):
    told = tmp_path / "told"
    client = clients(lambda: script_command(TEMPERS, str(told)))
    client.wake(0.05)
    client.wake()
    assert client.processes == []
    loop.until(told.is_file)
    loop.for_a_while(0.1)
    events = submit(client, "a", "good")
    loop.until(lambda: ended(events))
    client.wake()
    loop.for_a_while(0.1)
    assert [event["event"] for event in events] == ["started", "result"]
    assert (told.read_text(), len(client.processes)) == ("ready ", 1)


def test_a_client_that_cannot_wake_leaves_it_to_the_first_job_to_say_so(loop, clients):
    client = clients(lambda: ProcessCommand("/nowhere/python", (), dict(os.environ)))
    client.wake()
    loop.for_a_while(0.1)
    assert not client.is_running
    events = submit(client, "a", "good")
    loop.until(lambda: ended(events))
    assert events[-1]["code"] == "worker-not-started"


def test_a_client_that_was_shut_down_wakes_no_more(loop, clients):
    client = clients()
    client.wake(0.02)
    client.shutdown()
    loop.for_a_while(0.1)
    assert client.processes == []


def test_two_jobs_in_a_row_share_one_process_and_keep_their_events_apart(loop, clients):
    client = clients()
    first, second = submit(client, "a", "good"), submit(client, "b", "good")
    assert first == []
    loop.until(lambda: ended(first) and ended(second))
    assert [event["job"] for event in first] == ["a", "a"]
    assert [event["job"] for event in second] == ["b", "b"]
    assert len(client.processes) == 1
    assert not client.is_busy


def test_an_event_that_comes_byte_by_byte_is_one_event(loop, clients):
    events = submit(clients(), "a", "crumbs")
    loop.until(lambda: ended(events))
    assert [event["event"] for event in events] == ["started", "progress", "result"]
    assert events[1]["message"] == "é"


def test_garbage_and_unknown_and_foreign_events_do_not_disturb_and_a_job_ends_once(loop, clients):
    client = clients()
    events = submit(client, "a", "garbage")
    loop.until(lambda: ended(events))
    after = submit(client, "b", "good")
    loop.until(lambda: ended(after))
    assert [event["event"] for event in events] == ["started", "dance", "result"]
    assert "not json" in client.details()
    assert len(client.processes) == 1


def test_a_worker_that_exits_in_the_middle_fails_the_job_once_and_the_next_job_gets_a_new_one(loop, clients):
    client = clients()
    events, after = submit(client, "a", "dies"), submit(client, "b", "good")
    loop.until(lambda: ended(events) and ended(after))
    failed = events[-1]
    assert failed["event"] == "failed"
    assert failed["code"] == "worker-crashed"
    assert "exit code 3" in failed["message"]
    assert failed["remedy"]
    assert after[-1]["event"] == "result"
    assert len(client.processes) == 2


def test_a_worker_that_lacks_a_package_says_which(loop, clients):
    events = submit(clients(), "a", "lacks")
    loop.until(lambda: ended(events))
    assert events[-1]["code"] == "package-missing"
    assert "surely_not_there_either" in events[-1]["message"]


def test_a_program_that_does_not_exist_fails_the_job_and_leaves_the_client_usable(loop, clients):
    programs = iter(["/nowhere/python", sys.executable])
    client = clients(lambda: ProcessCommand(next(programs), ("-u", "-c", TEMPERS), dict(os.environ)))
    events, after = submit(client, "a", "good"), submit(client, "b", "good")
    loop.until(lambda: ended(events) and ended(after))
    assert events[-1]["code"] == "worker-not-started"
    assert after[-1]["event"] == "result"


def test_a_job_that_does_not_listen_is_cancelled_by_killing_the_process_and_its_children(loop, clients):
    client = clients(grace_s=0.2)
    events, after = submit(client, "a", "deaf"), submit(client, "b", "good")
    loop.until(lambda: len(events) == 2)
    worker, child = events[0]["pid"], events[1]["child"]
    assert not has_ended(worker)
    assert not has_ended(child)
    client.cancel("a")
    client.cancel("a")
    loop.until(lambda: ended(events) and ended(after))
    assert events[-1] == {"event": "cancelled", "job": "a"}
    assert after[-1]["event"] == "result"
    loop.until(lambda: has_ended(worker) and has_ended(child))


def test_a_waiting_job_is_cancelled_without_touching_the_running_one(loop, clients):
    client = clients()
    running, waiting = submit(client, "a", "deaf"), submit(client, "b", "good")
    loop.until(lambda: len(running) == 2)
    client.cancel("b")
    assert waiting == [{"event": "cancelled", "job": "b"}]
    loop.for_a_while(0.1)
    assert not ended(running)


def test_a_ping_is_answered_once_by_a_living_worker_and_denied_for_a_dead_or_deaf_one(loop, clients):
    client = clients()
    answers = []
    client.ping(answers.append)
    loop.until(lambda: answers == [False])
    events = submit(client, "a", "good")
    loop.until(lambda: ended(events))
    client.ping(answers.append, patience_s=HANGING_S)
    loop.until(lambda: answers == [False, True])
    deaf = submit(client, "b", "deaf")
    loop.until(lambda: len(deaf) == 2)
    client.ping(answers.append, patience_s=0.1)
    loop.until(lambda: answers == [False, True, False])
    loop.for_a_while(0.2)
    assert answers == [False, True, False]


def test_shutdown_ends_the_process_tree_and_no_event_comes_after_it(loop, clients):
    client = clients()
    events = submit(client, "a", "deaf")
    loop.until(lambda: len(events) == 2)
    client.shutdown()
    loop.until(lambda: has_ended(events[0]["pid"]) and has_ended(events[1]["child"]))
    loop.for_a_while(0.2)
    assert len(events) == 2
    assert not client.is_running


def test_a_restart_lets_the_running_job_finish_and_gives_the_next_one_a_fresh_process(loop, clients):
    client = clients()
    first = submit(client, "a", "crumbs")
    loop.until(lambda: bool(first))
    client.restart()
    second = submit(client, "b", "good")
    loop.until(lambda: ended(first) and ended(second))
    assert first[-1]["event"] == second[-1]["event"] == "result"
    assert first[0]["pid"] != second[0]["pid"]


# From here on the real worker.


def preprocess_job(folder, name, **spec):
    """FLAIR alone with a brain mask: seconds. Every stage of a whole exam is killed in campaigns/."""
    flair, brain = folder / "exam" / "FLAIR.nii.gz", folder / "brain.nii.gz"
    return {
        "job": name,
        "kind": "preprocess",
        "spec": {
            "exam": {"flair": str(flair)},
            "out": str(folder / name),
            "preprocessing": {"brain": str(brain)},
            "use_cache": False,
            **spec,
        },
    }


def real_worker():
    return python_command("MSSoftSegLib.jobs.worker")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to kill by")
@pytest.mark.parametrize("stage", ["started", "bias-correction"])
def test_kill_nine_at_any_stage_is_one_failure_with_cause_and_remedy_and_the_next_job_works(
    loop, clients, tmp_path, stage
):
    write_small_exam(tmp_path)
    client = clients(real_worker)
    events = []
    client.submit(preprocess_job(tmp_path, "killed"), events.append)
    loop.until(lambda: any(stage in (event["event"], event.get("stage")) for event in events))
    os.kill(client.processes[0].id, signal.SIGKILL)
    loop.until(lambda: ended(events))
    assert [event["event"] for event in events].count("failed") == 1
    assert events[-1]["code"] == "worker-killed"
    assert "memory" in events[-1]["message"]
    assert events[-1]["remedy"]
    assert not (tmp_path / "killed").exists()
    after = []
    client.submit(preprocess_job(tmp_path, "after", use_cache=True), after.append)
    loop.until(lambda: ended(after))
    assert after[-1]["event"] == "result", after[-1]
    assert (tmp_path / "after" / "working.json").is_file()


def test_the_real_worker_stops_a_cancelled_job_by_itself_within_the_grace_period(loop, clients, tmp_path):
    write_small_exam(tmp_path)
    client = clients(real_worker, grace_s=900)
    events = []
    client.submit(preprocess_job(tmp_path, "stopped"), events.append)
    loop.until(lambda: any(event.get("stage") == "bias-correction" for event in events))
    client.cancel("stopped")
    loop.until(lambda: ended(events))
    assert events[-1]["event"] == "cancelled"
    assert not (tmp_path / "stopped").exists()
    assert client.is_running
    assert len(client.processes) == 1


def test_a_nonsensical_job_fails_with_words_and_the_worker_lives_on(loop, clients, tmp_path):
    client = clients(real_worker)
    events, after = [], []
    client.submit(json.loads('{"job": "x", "kind": "dance", "spec": {}}'), events.append)
    loop.until(lambda: ended(events))
    client.submit(preprocess_job(tmp_path, "y", exam={"folder": str(tmp_path / "exam")}), after.append)
    loop.until(lambda: ended(after))
    assert events[-1]["code"] == "bad-request"
    assert after[-1]["code"] == "bad-exam"
    assert len(client.processes) == 1
