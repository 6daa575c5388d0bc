"""How processes are started, heard and killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from MSSoftSegGUI.widgets.translation import tr
from MSSoftSegGUI.worker import process_tree
from MSSoftSegGUI.worker.error_card import make_card, make_sentence
from MSSoftSegGUI.worker.event_lines import LONGEST_LINE, EventLines
from MSSoftSegGUI.worker.interpreter import Interpreter, find_library_folder, make_module_command
from MSSoftSegGUI.worker.remaining_time import say_remaining

from Testing.patience import HANGING_S
from Testing.processes import ends

SLICER = {"PYTHONHOME": "/slicer", "PYTHONPATH": "/slicer/modules", "LD_LIBRARY_PATH": "/slicer/lib", "HOME": "/home/x"}
STARTUP = {"HOME": "/home/x", "PYTHONPATH": "/users/own"}


def command(own):
    return make_module_command(
        Interpreter("python", own=own),
        "some.module",
        ("--json",),
        library_folder=Path("/library"),
        slicer_environment=SLICER,
        startup_environment=STARTUP,
    )


def test_slicers_own_python_keeps_slicers_variables_and_finds_the_library():
    made = command(own=True)
    assert made.arguments == ("-m", "some.module", "--json")
    assert made.environment["PYTHONHOME"] == "/slicer"
    assert made.environment["PYTHONPATH"] == os.pathsep.join([str(Path("/library")), "/slicer/modules"])


def test_another_python_sees_nothing_of_slicers_and_finds_the_library():
    environment = command(own=False).environment
    assert "PYTHONHOME" not in environment
    assert "LD_LIBRARY_PATH" not in environment
    assert environment["PYTHONPATH"] == str(Path("/library"))
    assert environment["HOME"] == "/home/x"


def test_the_variables_of_this_process_are_not_touched():
    before = dict(os.environ)
    command(own=True), command(own=False)
    assert dict(os.environ) == before
    assert SLICER["PYTHONPATH"] == "/slicer/modules"


def test_the_library_is_found_beside_the_module():
    assert (find_library_folder() / "MSSoftSegLib" / "jobs" / "worker.py").is_file()


@given(st.lists(st.integers(0, 3), max_size=12))
def test_events_are_the_same_however_the_bytes_are_cut(cuts):
    events = [{"event": "log", "message": "naïve – 脳"}, {"event": "progress", "overall": 0.5}, {"event": "result"}]
    data = b"".join(json.dumps(event, ensure_ascii=False).encode() + b"\r\n" for event in events)
    lines, got, start = EventLines(), [], 0
    for cut in [*(17 * c + 1 for c in cuts), len(data)]:
        got += lines.feed(data[start : start + cut])
        start += cut
    assert got == events
    assert lines.garbage == []


def test_an_endless_line_is_dropped_and_the_next_one_is_heard():
    lines = EventLines()
    for _ in range(3):
        assert lines.feed(b"x" * LONGEST_LINE) == []
    assert lines.feed(b'yy\n{"event": "pong"}\n') == [{"event": "pong"}]
    assert len(lines.garbage) >= 1


def test_descendants_are_found_through_every_generation_and_loops_end():
    parents = [(2, 1), (3, 2), (4, 2), (5, 4), (9, 8), (1, 5)]
    assert set(process_tree.find_descendants(1, parents)) == {2, 3, 4, 5}
    assert process_tree.find_descendants(9, parents) == ()


@pytest.mark.skipif(os.name == "nt", reason="Windows kills trees by taskkill")
def test_children_of_children_are_killed_too():
    code = (
        "import subprocess, sys, time\n"
        "inner = [sys.executable, '-c', 'import time; time.sleep(86400)']\n"
        "print(subprocess.Popen(inner).pid, flush=True); time.sleep(86400)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    inner = int(process.stdout.readline())
    process_tree.kill_process_tree(process.pid)
    assert process.wait(timeout=HANGING_S) == -9
    # The pipe ends when the last process that holds it is gone.
    assert process.stdout.read() == ""
    process.stdout.close()
    assert ends(inner)
    process_tree.kill_process_tree(process.pid)


def test_the_remaining_time_is_rough_and_silent_at_first():
    assert say_remaining(2, 0.5) == ""
    assert say_remaining(100, 0.01) == ""
    assert say_remaining(10, 0.6) == "a few seconds left"
    assert say_remaining(30, 0.5) == "about 30 s left"
    assert say_remaining(60, 0.5) == "about a minute left"
    assert say_remaining(60, 0.1) == "about 9 min left"


@pytest.mark.parametrize("code", ["bad-bundle", "out-of-memory", "disk-full", "weights-missing", "surely-new"])
def test_no_remedy_speaks_of_the_command_line(code):
    card = make_card({"code": code, "message": "x", "remedy": "run `mssoftseg doctor --json`"}, details="d")
    assert card.remedy
    assert "--" not in card.remedy
    assert "mssoftseg" not in card.remedy
    assert "doctor" in card.details


def test_sentences_begin_large_and_end_with_a_stop():
    assert make_sentence("a thing happened") == "A thing happened."
    assert make_sentence("Done!") == "Done!"
    assert make_sentence("") == ""


def test_strings_are_translated_in_the_callers_context_where_slicer_is(monkeypatch):
    import types

    fake = types.SimpleNamespace(
        translate=lambda context, text: f"{context}:{text}", getContext=lambda file: Path(file).stem
    )
    monkeypatch.delitem(sys.modules, "slicer.i18n", raising=False)
    assert tr("Segment") == "Segment"
    monkeypatch.setitem(sys.modules, "slicer.i18n", fake)
    assert tr("Segment") == "test_starting_processes:Segment"


def test_on_windows_no_console_flashes_up_when_a_process_is_killed(monkeypatch):
    import subprocess

    from MSSoftSegGUI.worker import process_tree

    asked = {}
    monkeypatch.setattr(process_tree, "NO_WINDOW", 0x08000000)
    monkeypatch.setattr(process_tree.os, "name", "nt")
    ended = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(process_tree.subprocess, "run", lambda command, **names: asked.update(names) or ended)
    process_tree.kill_process_tree(1)
    assert asked["creationflags"] == 0x08000000
