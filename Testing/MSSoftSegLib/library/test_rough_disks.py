"""Disks that are full, read-only or shared, clocks that are wrong, hands that move files: nothing is lost, all is named."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from MSSoftSegLib.errors import BadLibrary, DiskFull, MSSoftSegError, RequestError
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library import locking, transaction
from MSSoftSegLib.library.case_record import parse_record
from MSSoftSegLib.library.check import check_library
from MSSoftSegLib.library.exporting.bids import export_bids
from MSSoftSegLib.library.layout import WRITERS_FOLDER, CaseId, resolve_inside
from MSSoftSegLib.library.locking import lock_file
from MSSoftSegLib.library.reading import read_case
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.library.made_cases import array, case_files, flair_only, gray, labels, new_library, written
from Testing.MSSoftSegLib.library.saves import ask, opened, save
from Testing.patience import HANGING_S

FORK = multiprocessing.get_context("fork")
CASE = CaseId("1")


@pytest.fixture
def library(tmp_path):
    made = tmp_path / "library"
    images = {"flair": written(gray(), tmp_path / "f.nrrd"), "t1": written(gray(1), tmp_path / "t.nrrd")}
    save(made, written(labels(0), tmp_path / "m0.nrrd"), images=images)
    return made


@pytest.fixture
def drawn(tmp_path):
    return written(labels(1), tmp_path / "m1.nrrd")


def in_a_process(action):
    """What an action said in a process of its own: the error's name and words, or its result as text."""
    told, tell = FORK.Pipe(duplex=False)

    def child():
        try:
            tell.send(("", str(action())))
        except MSSoftSegError as problem:
            tell.send((type(problem).__name__, str(problem)))
        os._exit(0)

    process = FORK.Process(target=child)
    process.start()
    process.join(HANGING_S)
    assert process.exitcode == 0
    return told.recv()


def known(library):
    return opened(library)["raters"]["anna"]["sha256"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
def test_a_disk_that_is_full_at_any_size_leaves_the_approved_case_as_it_was(library, drawn):
    before, based_on = case_files(library), known(library)
    outcomes = set()
    for size in (0, 40, 150, 215, 300, 700, 1500, 100_000):

        def saving(size=size):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            return save(library, drawn, based_on=based_on)["version"]

        error, words = in_a_process(saving)
        outcomes.add(error)
        if error:
            assert "disk is full" in words or "could not be written" in words, words
            assert check_library(library) == []
            assert case_files(library) == before
    assert "" in outcomes
    assert len(outcomes) > 1
    assert check_library(library) == []
    assert opened(library)["raters"]["anna"]["version"] == 2


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="takes another user's part")
def test_who_may_only_read_reads_checks_and_is_told_that_nothing_can_be_saved(library, drawn):
    # Where another user may look, unlike the tests' own folder.
    with tempfile.TemporaryDirectory() as place:
        shared = Path(place) / "library"
        shutil.copytree(library, shared)
        shutil.copyfile(drawn, Path(place) / drawn.name)
        for path in (Path(place), *Path(place).rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        before = case_files(shared)

        def as_somebody_else(action):
            def acting():
                os.seteuid(65534)
                return action()

            return in_a_process(acting)

        assert as_somebody_else(lambda: opened(shared)["status"]) == ("", "approved")
        assert as_somebody_else(lambda: len(ask("worklist", library=shared)["cases"])) == ("", "1")
        assert as_somebody_else(lambda: check_library(shared)) == ("", "[]")
        error, words = as_somebody_else(lambda: save(shared, Path(place) / drawn.name, rater="ben"))
        assert error == "RequestError"
        assert "may not be written to" in words
        error, words = as_somebody_else(lambda: ask("settings", library=shared, softening={"merge": "union"}))
        assert "may not be written to" in words
        error, words = as_somebody_else(lambda: save(Path(place) / "new", Path(place) / drawn.name))
        assert error == "RequestError"
        assert case_files(shared) == before


def test_a_slow_writer_shows_that_it_lives_and_is_not_taken_for_dead(tmp_path, monkeypatch):
    # Long enough that a busy machine holds no sign of life back for so long, short enough that none at all would show.
    monkeypatch.setattr(locking, "ABANDONED_AFTER_S", 2.5)
    monkeypatch.setattr(
        locking, "name_machine", lambda: f"machine of {os.getpid()}"
    )  # on another one, as far as each can see
    lock, held = tmp_path / "some.lock", FORK.Event()

    def holding():
        with lock_file(lock):
            held.set()
            time.sleep(6.0)
            (tmp_path / "done").touch()

    process = FORK.Process(target=holding)
    process.start()
    assert held.wait(HANGING_S)
    with lock_file(lock):
        assert (tmp_path / "done").exists()
    process.join(HANGING_S)


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_is_wrong_by_a_year_takes_nobody_elses_files_for_abandoned(library, drawn, monkeypatch, days):
    theirs = library / WRITERS_FOLDER / "pending" / "0123456789abcdef"
    theirs.mkdir(parents=True)
    (theirs / "half.nii.gz").write_bytes(b"x")
    lock = library / WRITERS_FOLDER / "locks" / "sub-1.lock.breaking"
    lock.write_text(json.dumps({"machine": "elsewhere", "token": "t"}))
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + days * 86400)
    # Hundreds of days off would be the wrong clock; the test itself takes no day.
    assert locking._age_s(lock) < 86400
    save(library, drawn, rater="ben")
    assert (theirs / "half.nii.gz").exists()
    assert lock.exists()
    assert check_library(library) == []


def test_what_a_killed_writer_left_undecided_goes_with_a_later_save(library, drawn):
    theirs = library / WRITERS_FOLDER / "pending" / "0123456789abcdef"
    theirs.mkdir(parents=True)
    text, fresh = (library / WRITERS_FOLDER / f"{name}.partial" for name in ("0123", "4567"))
    for path in (text, fresh):
        path.write_text("{")
    for path in (theirs, text):
        os.utime(path, (time.time() - 90_000,) * 2)
    save(library, drawn, rater="ben")
    assert not theirs.exists()
    assert not text.exists()
    assert fresh.exists()


def test_names_that_differ_in_capitals_only_are_refused_before_anything_is_written(library, drawn, tmp_path):
    images = {"flair": written(gray(), tmp_path / "f2.nrrd")}
    save(library, drawn, patient="a1", images=images)
    before = case_files(library)
    for wrong in ({"patient": "A1", "images": images}, {"patient": "1", "rater": "Anna"}):
        with pytest.raises(RequestError, match="capitals") as caught:
            save(library, drawn, **wrong)
        assert "spell" in caught.value.remedy
    assert case_files(library) == before


def test_a_disk_that_ignores_capitals_tells_how_a_case_is_spelt(library):
    text = (
        resolve_inside(library, CASE.record)
        .read_text()
        .replace("sub-1", "sub-a1")
        .replace('"patient": "1"', '"patient": "a1"')
    )
    with pytest.raises(BadLibrary, match="sub-A1 is spelt sub-a1"):
        parse_record(text, file_name="sub-A1_case.json", expected=CaseId("A1"))


def test_no_hard_or_symbolic_link_is_needed_to_save(library, drawn, monkeypatch):
    def refuse(*arguments, **keywords):
        raise OSError(95, "not supported")

    for name in ("link", "symlink"):
        monkeypatch.setattr(os, name, refuse)
    assert save(library, drawn, based_on=known(library))["version"] == "2"
    assert check_library(library) == []


def named(library):
    return {(finding.kind, finding.file) for finding in check_library(library)}


LABELS = "derivatives/mssoftseg/sub-1/anat"


@pytest.mark.parametrize(
    "name",
    [
        f"{LABELS}/sub-1_case.json~",
        f"{LABELS}/.sub-1_case.json.swp",
        f"{LABELS}/sub-1_case (conflicted copy).json",
        f"{LABELS}/earlier/sub-1_space-FLAIR_label-lesion_desc-annav9_dseg.nii.gz",
        f"{LABELS}/earlier/notes.txt",
        "sub-1/anat/sub-1_FLAIR.nii.gz.part",
        "sub-1/anat/sub-1_FLAIR - Copy.nii.gz",
        "sub-1/anat/.nfs000000000001",
        "derivatives/mssoftseg/library.json.bak",
        "Neuer Ordner/scan.dcm",
    ],
)
def test_editors_backups_and_half_copied_files_are_named_and_hinder_nobody(library, drawn, name):
    path = library / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half a file")
    assert named(library) == {("foreign", name)}
    assert opened(library)["status"] == "approved"
    save(library, drawn, rater="ben")
    assert named(library) == {("foreign", name)}


def test_what_a_mac_leaves_beside_every_file_is_not_called_foreign(library):
    for path in list(library.rglob("*.nii.gz")):
        path.with_name(f"._{path.name}").write_bytes(b"\x00\x05\x16\x07")
    (library / "sub-1" / ".DS_Store").write_bytes(b"x")
    assert check_library(library) == []
    assert ask("worklist", library=library)["counts"]["approved"] == 1


@pytest.mark.parametrize("moved", ["sub-1", "derivatives/mssoftseg/sub-1"])
def test_a_folder_that_was_renamed_by_hand_is_named_file_by_file(library, moved):
    whole = case_files(library)
    (library / moved).rename((library / moved).with_name("sub-2"))
    found = named(library)
    files = {name for name in whole if name.startswith(f"{moved}/")}
    there = {name.replace(f"{moved}/", f"{moved[:-1]}2/", 1) for name in files}
    assert {name for kind, name in found if kind == "foreign"} >= there
    if moved == "sub-1":
        assert {name for kind, name in found if kind == "missing"} == files
        with pytest.raises(BadLibrary, match=r"sub-1_(FLAIR|T1w)"):
            opened(library)
    else:
        assert ("missing", str(CASE.record)) in found
        with pytest.raises(RequestError, match="no case sub-1"):
            opened(library)
    (library / moved).with_name("sub-2").rename(library / moved)
    assert check_library(library) == []


def test_a_mask_swapped_between_two_cases_is_named_at_both(library):
    add_case(library, patient="2", images=flair_only(3), raters={"anna": labels(3)}, status="approved")
    first, second = (resolve_inside(library, CaseId(patient).rater_mask("anna")) for patient in "12")
    contents = first.read_bytes(), second.read_bytes()
    first.write_bytes(contents[1])
    second.write_bytes(contents[0])
    assert named(library) == {("damaged", str(CaseId(patient).rater_mask("anna"))) for patient in "12"}
    for patient in "12":
        with pytest.raises(BadLibrary, match=f"sub-{patient}_"):
            opened(library, patient)


def test_a_damaged_mask_can_be_drawn_anew_and_is_not_kept_as_an_earlier_version(library, drawn):
    path = resolve_inside(library, CASE.rater_mask("anna"))
    based_on = known(library)
    path.write_bytes(path.read_bytes()[:-3])
    told = save(library, drawn, based_on=based_on)
    assert (told["rater"], told["version"], told["conflict"]) == ("anna", "2", False)
    assert read_case(library, CASE).earlier == ()
    assert check_library(library) == []


def test_a_reader_meets_a_save_in_the_middle_of_its_renaming_and_waits_it_out(library, drawn, monkeypatch):
    """The mask is in place already, the record not yet."""
    real, stop, go = transaction.add_participant, FORK.Event(), FORK.Event()

    def pausing(*arguments):
        stop.set()
        go.wait(HANGING_S)
        real(*arguments)

    based_on = known(library)
    with monkeypatch.context() as patch:
        patch.setattr(transaction, "add_participant", pausing)
        process = FORK.Process(target=lambda: save(library, drawn, based_on=based_on))
        process.start()
        assert stop.wait(HANGING_S)
    timer = threading.Timer(0.2, go.set)
    timer.daemon = True
    timer.start()
    assert opened(library)["raters"]["anna"]["version"] == 2
    process.join(HANGING_S)


@pytest.mark.skipif(shutil.which("mount") is None or sys.platform != "linux", reason="needs a small disk")
def test_a_small_disk_that_fills_up_keeps_every_case_whole(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.system(f"mount -t tmpfs -o size=160k tmpfs '{disk}' 2>/dev/null") != 0:
        pytest.skip("this process may not mount a disk")
    try:
        library = new_library(disk)
        cases = 0
        with contextlib.suppress(DiskFull, OSError):
            for number in range(200):
                images = {Modality.FLAIR: gray(number, size=(20, 20, 20))}
                add_case(library, patient=str(number), images=images, raters={"A": labels(size=(20, 20, 20))})
                cases += 1
        assert 0 < cases < 200
        assert check_library(library) == []
        told = ask("worklist", library=library)
        assert len(told["cases"]) in (cases, cases + 1)
        assert told["problems"] == []
    finally:
        os.system(f"umount '{disk}'")


class Killed(BaseException):
    """Stands for the end of the process at one place."""


def test_a_case_whose_save_died_in_the_middle_of_its_renaming_is_exported_whole(library, drawn, tmp_path, monkeypatch):
    def die(*arguments):
        raise Killed

    based_on = known(library)
    with monkeypatch.context() as patch:
        patch.setattr(transaction, "add_participant", die)
        with pytest.raises(Killed):
            save(library, drawn, based_on=based_on)
    export_bids(library, tmp_path / "out", statuses=["approved"])
    (mask,) = (tmp_path / "out").rglob("*_dseg.nii.gz")
    assert (array(mask) == array(drawn)).all()
