"""What is no model, no exam or no place for a library, given to the command line: refused in our words, nothing half-written.

A sample in ``make test``, all in ``make campaigns``: the command line runs in this process, and as one of its own where an input
is about permissions, or about what a shell does with the command's streams.
"""

from __future__ import annotations

import collections
import os
import shutil

import pytest

from Testing.campaigns.hostile import model_inputs, teachers
from Testing.campaigns.hostile.runs import find_faults, list_contents, run_as_command, run_here
from Testing.campaigns.record import CAMPAIGN, record

INPUTS = {"models": model_inputs.INPUTS, "pseudolabel": teachers.INPUTS}
EVERY = 1 if CAMPAIGN else 9
GIVEN = [
    (command, each)
    for command, inputs in INPUTS.items()
    for each in [each for each in inputs if CAMPAIGN or each.is_plain][::EVERY]
]


@pytest.fixture(scope="module")
def counts():
    """Answers that were as they should be, by command; kept where all inputs of a command were answered so."""
    counted = {command: collections.Counter[str]() for command in INPUTS}
    yield counted
    for command, inputs in INPUTS.items():
        if counted[command]["inputs"] == len(inputs):
            record(f"hostile inputs: {command}", dict(counted[command]))


@pytest.mark.parametrize(("command", "hostile"), GIVEN, ids=lambda each: getattr(each, "name", each))
def test_a_hostile_input_is_answered_in_our_words(command, hostile, tmp_path, monkeypatch, capsys, counts):
    if hostile.rights and os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("an administrator's permissions cannot be taken away here")
    inputs, targets, place = tmp_path / "inputs", tmp_path / "targets", tmp_path / "here"
    inputs.mkdir()
    place.mkdir()
    if command != "models":
        targets.mkdir()
    monkeypatch.setenv("MSSOFTSEG_MODELS", str(targets if command == "models" else tmp_path / "models"))
    monkeypatch.setenv("MSSOFTSEG_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(place)
    words = hostile.make(inputs, targets)
    before = list_contents(inputs), list_contents(targets)
    answer = run_here(words, capsys) if hostile.is_plain else run_as_command(words, hostile, place)
    faults = find_faults(hostile, answer, tmp_path)
    after = list_contents(inputs), list_contents(targets)
    if after[0] != before[0]:
        faults.append("the inputs were changed")
    if not hostile.changes and after[1].keys() != before[1].keys():
        faults.append(f"something else is there than before: {sorted(after[1].keys() ^ before[1].keys())}")
    if [path for path in tmp_path.rglob("*") if ".partial-" in path.name]:
        faults.append("something half-written is left")
    assert not faults, f"{faults}\n{words}\n{answer[1]}\n{answer[2]}"
    counts[command]["inputs"] += 1
    counts[command][f"of these exit code {answer[0]}"] += 1
