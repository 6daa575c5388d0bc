"""Result folders are complete or absent."""

import logging
import os
import subprocess
import sys
import time

import pytest

from MSSoftSegLib.errors import OutputExists, RequestError
from MSSoftSegLib.process_identity import mark_machine
from MSSoftSegLib.result_folder import check_target, make_scratch_beside, write_completely
from Testing.patience import HANGING_S


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_block_that_ends_well_leaves_its_files_under_the_target_and_nothing_else(tmp_path):
    with write_completely(tmp_path / "deep" / "result", overwrite=False) as folder:
        (folder / "a.txt").write_text("a")
        assert not (tmp_path / "deep" / "result").exists()
    assert names(tmp_path / "deep") == ["result"]
    assert names(tmp_path / "deep" / "result") == ["a.txt"]


@pytest.mark.parametrize("failure", [ValueError("no"), KeyboardInterrupt(), SystemExit(3), MemoryError()])
def test_any_failure_leaves_nothing(tmp_path, failure):
    def write_half():
        with write_completely(tmp_path / "result", overwrite=False) as folder:
            (folder / "half.txt").write_text("half")
            raise failure

    with pytest.raises(type(failure)):
        write_half()
    assert names(tmp_path) == []


def test_a_folder_that_holds_something_is_refused_by_its_base_name(tmp_path):
    (tmp_path / "result").mkdir()
    (tmp_path / "result" / "old.txt").write_text("old")
    with (
        pytest.raises(OutputExists, match="result is not empty") as caught,
        write_completely(tmp_path / "result", overwrite=False),
    ):
        pass
    assert caught.value.exit_code == 2
    assert str(tmp_path) not in str(caught.value)
    assert (tmp_path / "result" / "old.txt").read_text() == "old"


def test_a_file_in_the_place_of_the_folder_is_never_replaced(tmp_path):
    (tmp_path / "result").write_text("a file")
    with pytest.raises(OutputExists, match="is a file"), write_completely(tmp_path / "result", overwrite=True):
        pass
    assert (tmp_path / "result").read_text() == "a file"


def test_an_empty_folder_is_used(tmp_path):
    (tmp_path / "result").mkdir()
    with write_completely(tmp_path / "result", overwrite=False) as folder:
        (folder / "new.txt").write_text("new")
    assert names(tmp_path / "result") == ["new.txt"]


def test_overwriting_keeps_the_old_result_until_the_new_one_is_complete(tmp_path):
    (tmp_path / "result").mkdir()
    (tmp_path / "result" / "result.json").write_text("old")

    def fail():
        with write_completely(tmp_path / "result", overwrite=True) as folder:
            (folder / "new.txt").write_text("new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert names(tmp_path / "result") == ["result.json"]
    with write_completely(tmp_path / "result", overwrite=True) as folder:
        (folder / "new.txt").write_text("new")
    assert names(tmp_path / "result") == ["new.txt"]
    assert names(tmp_path) == ["result"]


def test_what_a_killed_process_left_is_removed_by_the_next_run(tmp_path):
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from MSSoftSegLib.result_folder import write_completely\n"
        "with write_completely(Path(sys.argv[1]), overwrite=False) as f:\n"
        "    (f / 'half.txt').write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "result")], check=False, timeout=HANGING_S)
    assert not (tmp_path / "result").exists()
    assert len(names(tmp_path)) == 1
    with write_completely(tmp_path / "result", overwrite=False) as folder:
        (folder / "whole.txt").write_text("whole")
    assert names(tmp_path) == ["result"]


def test_a_result_that_another_run_finished_meanwhile_is_not_replaced(tmp_path):
    def finish_second():
        with write_completely(tmp_path / "result", overwrite=False) as folder:
            (folder / "second.txt").write_text("second")
            (tmp_path / "result").mkdir()
            (tmp_path / "result" / "first.txt").write_text("first")

    with pytest.raises(OutputExists):
        finish_second()
    assert names(tmp_path / "result") == ["first.txt"]
    assert names(tmp_path) == ["result"]


def test_another_running_process_keeps_its_half_written_folder(tmp_path):
    other = tmp_path / f".result.partial-{mark_machine()}-{os.getppid()}"
    other.mkdir()
    with write_completely(tmp_path / "result", overwrite=False):
        pass
    assert other.is_dir()


def test_overwriting_never_replaces_what_this_software_did_not_write(tmp_path, monkeypatch):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputExists, match="more than a result"):
        check_target(tmp_path / "thesis", overwrite=True)
    (tmp_path / "result" / "exam").mkdir(parents=True)
    (tmp_path / "result" / "result.json").write_text("{}")
    (tmp_path / "result" / "exam" / "FLAIR.nii.gz").write_text("an image")
    check_target(tmp_path / "result", overwrite=True)
    with pytest.raises(OutputExists):
        check_target(tmp_path / "result", overwrite=True, inputs=[tmp_path / "result" / "exam"])
    monkeypatch.chdir(tmp_path / "result")
    with pytest.raises(OutputExists):
        check_target(tmp_path / "result", overwrite=True)


def test_a_place_below_a_file_is_refused_before_anything_is_computed(tmp_path):
    (tmp_path / "notes.txt").write_text("a file")
    with pytest.raises(RequestError, match=r"below the file notes\.txt"):
        check_target(tmp_path / "notes.txt" / "results" / "one", overwrite=False)


def test_a_place_that_may_not_be_written_is_refused_before_anything_is_computed(tmp_path, monkeypatch):
    locked = tmp_path / "locked"
    locked.mkdir()
    # An administrator, who may write everywhere, runs this test too.
    monkeypatch.setattr(os, "access", lambda path, mode: path != locked)
    with pytest.raises(RequestError, match="cannot be written to"):
        check_target(locked / "result", overwrite=False)


def test_leftovers_are_found_beside_a_target_whose_name_looks_like_a_pattern(tmp_path):
    leftover = tmp_path / f".result[1].partial-{mark_machine()}-999999999"
    leftover.mkdir()
    with write_completely(tmp_path / "result[1]", overwrite=False):
        pass
    assert names(tmp_path) == ["result[1]"]


def set_aside(folder):
    """An old result where a run was killed between taking it away and putting the new one there."""
    aside = folder / f".result.replaced-{mark_machine()}-999999999"
    aside.mkdir()
    (aside / "result.json").write_text("old")
    return aside


def test_an_old_result_that_a_killed_run_had_set_aside_is_there_again_before_anything_is_decided(tmp_path):
    set_aside(tmp_path)
    with pytest.raises(OutputExists, match="not empty"):
        check_target(tmp_path / "result", overwrite=False)
    assert names(tmp_path) == ["result"]
    assert (tmp_path / "result" / "result.json").read_text() == "old"
    with write_completely(tmp_path / "result", overwrite=True) as folder:
        (folder / "result.json").write_text("new")
    assert names(tmp_path) == ["result"]
    assert (tmp_path / "result" / "result.json").read_text() == "new"


def test_an_old_result_that_was_set_aside_goes_where_the_new_one_is_in_place(tmp_path):
    set_aside(tmp_path)
    other = tmp_path / f".result.replaced-{mark_machine()}-{os.getppid()}"
    other.mkdir()
    (tmp_path / "result").mkdir()
    (tmp_path / "result" / "result.json").write_text("new")
    check_target(tmp_path / "result", overwrite=True)
    # What a process that lives has set aside is its own.
    assert names(tmp_path) == [other.name, "result"]
    assert (tmp_path / "result" / "result.json").read_text() == "new"


def test_scratch_beside_a_file_goes_with_what_killed_runs_left_of_theirs(tmp_path):
    left = tmp_path / f".mask.nii.gz.partial-{mark_machine()}-999999999"
    left.mkdir()
    (left / "mask.nii.gz").write_text("half")
    with make_scratch_beside(tmp_path / "mask.nii.gz") as folder:
        assert names(tmp_path) == [folder.name]
    assert names(tmp_path) == []


def test_a_check_while_a_folder_is_being_written_leaves_it_and_takes_a_dead_ones(tmp_path):
    left = tmp_path / f".result.partial-{mark_machine()}-999999999"
    with write_completely(tmp_path / "result", overwrite=False) as folder:
        (folder / "result.json").write_text("new")
        left.mkdir()
        check_target(tmp_path / "result", overwrite=False)
        assert names(tmp_path) == [folder.name]
    assert names(tmp_path) == ["result"]


@pytest.mark.parametrize("made", [(), ("notes.txt",)])
def test_an_old_result_that_was_set_aside_outlives_whatever_else_takes_its_place(tmp_path, made):
    aside = set_aside(tmp_path)
    target = tmp_path / "result"
    target.mkdir()
    for name in made:
        (target / name).write_text("mine")
    with pytest.raises(OutputExists):
        check_target(target, overwrite=bool(made))
    kept = aside if made else target
    assert (kept / "result.json").read_text() == "old"


@pytest.mark.parametrize(
    "name", ["partial-notes-2023", "partial-20240115123456", "partial-0123abcd-²", "replaced-mine-7"]
)
def test_names_that_only_resemble_ours_are_left_alone(tmp_path, name):
    mine = tmp_path / f".result.{name}"
    mine.mkdir()
    with write_completely(tmp_path / "result", overwrite=False):
        pass
    assert names(tmp_path) == [mine.name, "result"]


def test_an_old_result_that_is_being_thrown_away_is_never_put_back_in_part(tmp_path, monkeypatch):
    with write_completely(tmp_path / "result", overwrite=False) as folder:
        (folder / "result.json").write_text("old")
    # Killed while the old result is being removed.
    monkeypatch.setattr("MSSoftSegLib.result_folder.shutil.rmtree", lambda *_, **__: None)
    with write_completely(tmp_path / "result", overwrite=True) as folder:
        (folder / "result.json").write_text("new")
    monkeypatch.undo()
    (tmp_path / "result" / "result.json").unlink()
    (tmp_path / "result").rmdir()
    check_target(tmp_path / "result", overwrite=False)
    assert not (tmp_path / "result").exists()


def test_scratch_beside_a_file_in_no_folder_says_what_to_do(tmp_path):
    with (
        pytest.raises(RequestError, match="no folder to write"),
        make_scratch_beside(tmp_path / "missing" / "mask.nii.gz"),
    ):
        pass


def beside(folder, what, *, idle_s=0.0):
    """What a process of another machine has beside the result: a number that is nobody's here may be a living one's there."""
    other = folder / f".result.{what}-00000000-999999999"
    other.mkdir()
    (other / "result.json").write_text("of another machine")
    for path in (other / "result.json", other):
        os.utime(path, (time.time() - idle_s, time.time() - idle_s))
    return other


@pytest.mark.parametrize("what", ["partial", "replaced"])
@pytest.mark.parametrize("there", [False, True])
def test_what_a_run_on_another_machine_has_beside_a_result_stays_and_is_told_of(tmp_path, caplog, what, there):
    other = beside(tmp_path, what)
    if there:
        (tmp_path / "result").mkdir()
        (tmp_path / "result" / "result.json").write_text("old")
    with caplog.at_level(logging.WARNING), write_completely(tmp_path / "result", overwrite=True) as folder:
        (folder / "result.json").write_text("new")
    assert names(tmp_path) == [other.name, "result"]
    assert (other / "result.json").read_text() == "of another machine"
    assert (tmp_path / "result" / "result.json").read_text() == "new"
    (told,) = caplog.messages
    assert other.name in told
    assert "another machine" in told
    assert str(tmp_path) not in told


def test_a_file_that_another_machine_writes_beside_a_target_stays_too(tmp_path, caplog):
    other = tmp_path / ".mask.nii.gz.partial-00000000-999999999"
    other.mkdir()
    with make_scratch_beside(tmp_path / "mask.nii.gz"):
        assert other.is_dir()
    assert [other.name in told for told in caplog.messages] == [True]


def test_scratch_of_another_machine_goes_once_nothing_was_written_to_it_for_a_day(tmp_path):
    beside(tmp_path, "partial", idle_s=25 * 3600)
    # An old result may be the only copy, however long it lies there.
    kept = beside(tmp_path, "replaced", idle_s=25 * 3600)
    check_target(tmp_path / "result", overwrite=False)
    assert names(tmp_path) == [kept.name]


def test_scratch_of_another_machine_in_which_one_file_is_young_stays(tmp_path):
    other = beside(tmp_path, "partial", idle_s=25 * 3600)
    os.utime(other / "result.json")
    check_target(tmp_path / "result", overwrite=False)
    assert names(tmp_path) == [other.name]


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_is_wrong_takes_no_scratch_of_another_machine_for_abandoned(tmp_path, monkeypatch, days):
    other = beside(tmp_path, "partial")
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + days * 86400)
    check_target(tmp_path / "result", overwrite=False)
    assert names(tmp_path) == [other.name]
