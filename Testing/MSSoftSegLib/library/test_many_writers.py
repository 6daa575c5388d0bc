"""Several people write at once, and some of them are killed: nobody's case is lost and none is half there."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.library import locking, transaction
from MSSoftSegLib.library.check import check_library
from MSSoftSegLib.library.layout import WRITERS_FOLDER, CaseId, resolve_inside
from MSSoftSegLib.library.locking import lock_file
from MSSoftSegLib.library.reading import read_case, read_labeled_cases, read_library
from MSSoftSegLib.library.status import set_status
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.library.made_cases import array, case_files, flair_only, labels, new_library
from Testing.patience import HANGING_S

FORK = multiprocessing.get_context("fork")
WEEK_S = 7 * 86400.0


def run_together(*targets):
    processes = [FORK.Process(target=target) for target in targets]
    for process in processes:
        process.start()
    for process in processes:
        process.join(HANGING_S)
    assert [process.exitcode for process in processes] == [0] * len(targets)


def test_two_people_adding_many_cases_at_once_lose_none(tmp_path):
    library = new_library(tmp_path)

    def adding(who):
        for number in range(15):
            add_case(library, patient=f"{who}{number}", images=flair_only(number), raters={who: labels(number)})

    run_together(lambda: adding("x"), lambda: adding("y"), lambda: adding("z"))
    names = {f"sub-{who}{number}" for who in "xyz" for number in range(15)}
    assert {str(record.case_id) for record in read_library(library)} == names
    lines = (library / "participants.tsv").read_text().splitlines()
    assert lines[0] == "participant_id"
    assert sorted(lines[1:]) == sorted(names)
    assert check_library(library) == []
    assert list((library / WRITERS_FOLDER).rglob("*.*")) == []


def test_many_raters_adding_to_the_same_case_at_once_are_all_there(tmp_path):
    library = new_library(tmp_path)

    def adding(who):
        for number in range(8):
            # Whoever comes first makes the case.
            add_case(library, patient="1", images=flair_only(), raters={f"{who}{number}": labels(number)})

    run_together(lambda: adding("x"), lambda: adding("y"), lambda: adding("z"))
    record = read_case(library, CaseId("1"))
    assert set(record.raters) == {f"{who}{number}" for who in "xyz" for number in range(8)}
    assert len(record.history) == 24
    assert check_library(library) == []


def test_of_two_different_exams_under_one_id_one_is_kept_whole_and_the_other_refused(tmp_path):
    library = new_library(tmp_path)
    refused = FORK.Queue()

    def adding(seed):
        try:
            add_case(library, patient="1", images=flair_only(seed), raters={f"r{seed}": labels(seed)})
        except RequestError as problem:
            refused.put((seed, problem.message))

    run_together(lambda: adding(1), lambda: adding(2))
    loser, message = refused.get(timeout=HANGING_S)
    assert "sub-1_FLAIR" in message
    assert set(read_case(library, CaseId("1")).raters) == {f"r{3 - loser}"}
    assert check_library(library) == []


def test_status_changes_and_new_masks_at_once_are_all_in_the_history(tmp_path):
    library = new_library(tmp_path)
    add_case(library, patient="1", images=flair_only(), raters={"A": labels()})

    def approving():
        for number in range(10):
            set_status(library, CaseId("1"), ("corrected", "excluded")[number % 2])

    def drawing():
        for number in range(10):
            add_case(library, patient="1", raters={f"d{number}": labels(number)})

    run_together(approving, drawing)
    record = read_case(library, CaseId("1"))
    assert len(record.raters) == 11
    assert len(record.history) == 21
    assert record.status == "excluded"


ADD_UNTIL_KILLED = """
    import sys
    from pathlib import Path
    from Testing.MSSoftSegLib.library.adding import add_case
    from Testing.MSSoftSegLib.library.made_cases import flair_only, labels
    library, seed = Path(sys.argv[1]), int(sys.argv[2])
    print("ready", flush=True)
    for number in range(100000):
        add_case(library, patient=f"p{number % 7}", images=flair_only(number % 7),
                 raters={"A": labels(seed * 1000 + number)}, replace=True)
"""


def test_a_writer_killed_at_any_moment_leaves_a_library_without_fault(tmp_path, monkeypatch):
    library = new_library(tmp_path)
    code = textwrap.dedent(ADD_UNTIL_KILLED)
    rng = random.Random(4)
    for seed in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(library), str(seed)], stdout=subprocess.PIPE, env={**os.environ}
        )
        assert process.stdout.readline() == b"ready\n"
        time.sleep(rng.uniform(0.0, 0.25))
        os.kill(process.pid, signal.SIGKILL)
        process.wait(HANGING_S)
        assert check_library(library) == []
        for record in read_library(library):
            assert set(record.raters) == {"A"}
        read_labeled_cases(library, statuses=("segmented",), verify=True)
    # And its lock hinders nobody: it is broken because its owner is dead, not because it grew old.
    monkeypatch.setattr(locking, "ABANDONED_AFTER_S", WEEK_S)
    for number in range(7):
        add_case(library, patient=f"p{number}", images=flair_only(number), raters={"B": labels(number)})
    assert check_library(library) == []


class Killed(BaseException):
    """Stands for the end of the process at one place."""


@pytest.mark.parametrize("existing", [False, True])
def test_wherever_a_writer_ends_the_case_is_old_or_new_and_never_in_between(tmp_path, monkeypatch, existing):
    """Every rename is a place to die; afterwards the next writer completes what was decided."""
    seen = set()
    for deadly in range(20):
        library = new_library(tmp_path / f"{existing}{deadly}")
        if existing:
            add_case(library, patient="1", images=flair_only(), raters={"A": labels(0), "Z": labels(9)})
        calls = 0
        real = os.replace

        def replace(source, target, *, deadly=deadly, real=real):
            nonlocal calls
            calls += 1
            if calls > deadly:
                raise Killed
            real(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(transaction.os, "replace", replace)
            patch.setattr(transaction.shutil, "rmtree", lambda *a, **k: None)
            try:
                add_case(library, patient="1", images=flair_only(), raters={"A": labels(1)}, replace=True)
                died = False
            except Killed:
                died = True
        assert check_library(library) == []
        found = read_library(library)
        if found:
            mask = resolve_inside(library, CaseId("1").rater_mask("A"))
            (drawn,) = [seed for seed in (0, 1) if same(mask, seed)]
            seen.add(("new" if drawn == 1 else "old", died))
            assert set(found[0].raters) == ({"A", "Z"} if existing else {"A"})
        else:
            assert not existing
            seen.add(("absent", died))
        if not died:
            break
    before = "old" if existing else "absent"
    assert seen == {(before, True), ("new", True), ("new", False)}


def die_holding(lock):
    """A process that ends without a word while it holds the lock."""

    def dying():
        with lock_file(lock):
            os._exit(1)

    process = FORK.Process(target=dying)
    process.start()
    process.join(HANGING_S)


def same(mask, seed):
    return bool((array(mask) == sitk.GetArrayFromImage(labels(seed))).all())


def test_who_may_not_write_sees_a_sound_library_while_a_change_waits_to_be_completed(tmp_path, monkeypatch):
    library = new_library(tmp_path)
    add_case(library, patient="1", images=flair_only(), raters={"A": labels(0)})

    def die(*arguments, **keywords):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(transaction, "_carry_out", die)
        with pytest.raises(Killed):
            add_case(library, patient="1", raters={"A": labels(1)}, replace=True)
        before = case_files(library)
        # Completing it fails here, as it does on a disk that may only be read.
        patch.setattr(transaction, "_carry_out", lambda *a: (_ for _ in ()).throw(PermissionError()))
        assert check_library(library) == []
        assert case_files(library) == before
    assert check_library(library) == []
    assert same(resolve_inside(library, CaseId("1").rater_mask("A")), 1)


def test_a_full_disk_leaves_the_library_as_it_was(tmp_path, monkeypatch):
    library = new_library(tmp_path)
    add_case(library, patient="1", images=flair_only(), raters={"A": labels(0)})
    before = case_files(library)

    def full(path, text, *, scratch):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(transaction, "write_text", full)
        with pytest.raises(OSError, match="space"):
            add_case(library, patient="1", raters={"B": labels(1)})
    assert case_files(library) == before
    assert list((library / WRITERS_FOLDER / "pending").iterdir()) == []


def test_a_lock_left_by_a_dead_process_of_this_machine_is_taken_over_however_young_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(locking, "ABANDONED_AFTER_S", WEEK_S)
    lock = tmp_path / "some.lock"
    die_holding(lock)
    assert lock.exists()
    with lock_file(lock):
        assert json.loads(lock.read_text())["process"] == os.getpid()
    assert not lock.exists()


def test_a_lock_whose_disk_was_away_while_it_was_given_back_does_not_bar_its_own_process(tmp_path, monkeypatch):
    monkeypatch.setattr(locking, "ABANDONED_AFTER_S", WEEK_S)
    lock = tmp_path / "share" / "some.lock"
    with lock_file(lock):
        lock.parent.rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").rename(tmp_path / "share")
    assert lock.exists()
    with lock_file(lock):
        pass
    assert not lock.exists()


def test_a_lock_that_another_thread_of_this_process_holds_is_waited_for(tmp_path):
    lock, done = tmp_path / "some.lock", []
    with ThreadPoolExecutor(1) as threads:
        with lock_file(lock):
            waiting = threads.submit(lambda: _lock_and(lock, lambda: list(done)))
            time.sleep(0.3)
            done.append("first")
        assert waiting.result(HANGING_S) == ["first"]


def _lock_and(lock, act):
    with lock_file(lock):
        return act()


def test_a_lock_of_another_machine_is_taken_over_only_after_it_did_not_change_for_long(tmp_path, monkeypatch):
    monkeypatch.setattr(locking, "ABANDONED_AFTER_S", 0.4)
    lock = tmp_path / "some.lock"
    lock.write_text(json.dumps({"token": "t", "machine": "elsewhere", "process": 1, "started": 1.0}))
    started = time.monotonic()
    with lock_file(lock):
        assert time.monotonic() - started >= 0.4


def test_a_lock_of_a_living_process_is_waited_for(tmp_path):
    lock = tmp_path / "some.lock"
    held = FORK.Event()

    def holding():
        with lock_file(lock):
            held.set()
            time.sleep(0.3)
            (tmp_path / "done").touch()

    process = FORK.Process(target=holding)
    process.start()
    assert held.wait(HANGING_S)
    with lock_file(lock):
        assert (tmp_path / "done").exists()
    process.join(HANGING_S)


def test_many_processes_breaking_one_abandoned_lock_still_enter_one_by_one(tmp_path):
    lock, counter = tmp_path / "some.lock", tmp_path / "counter"
    counter.write_text("0")
    die_holding(lock)

    def counting():
        for _ in range(20):
            with lock_file(lock):
                number = int(counter.read_text())
                time.sleep(0.001)
                counter.write_text(str(number + 1))

    run_together(counting, counting, counting)
    assert counter.read_text() == "60"
