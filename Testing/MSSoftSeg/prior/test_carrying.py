"""A comparison takes the place of another: what was said of lesions that are the same goes on, the rest is named and kept."""

from __future__ import annotations

import json

import pytest
from MSSoftSegGUI.prior.carrying import EARLIER_FILE, keep_decisions
from MSSoftSegGUI.prior.comparison import read_comparison
from MSSoftSegGUI.prior.decisions import read_decisions
from MSSoftSegGUI.prior.reading import ChangeReading

from MSSoftSegLib.result_files import CHANGE_REVIEW_FILE
from Testing.MSSoftSeg.stand_ins.made_comparisons import GROUPS, PAIR, group, write_comparison
from Testing.MSSoftSeg.stand_ins.made_results import CENTERS


@pytest.fixture
def old(tmp_path):
    """A comparison of which all was said: 1 accepted, 2 reclassed, 3 rejected."""
    folder = write_comparison(tmp_path / "old", exams=("a", "b"))
    reading = ChangeReading(show=lambda view: None, jump=lambda row: None, reviewer=lambda: "anna")
    reading.open(read_comparison(folder))
    reading.select(1)
    reading.accept()
    reading.reclass("stable")
    reading.reject()
    return folder


def said(folder) -> dict[int, str]:
    """What the new folder says of each group."""
    return {group: each.decision for group, each in read_decisions(read_comparison(folder)).made.items()}


def renumbered(groups):
    """The same lesions under other numbers."""
    return [{**each, "id": 10 * each["id"]} for each in reversed(groups)]


def test_the_same_lesions_keep_what_was_said_of_them_whatever_their_numbers(old, tmp_path):
    new = write_comparison(tmp_path / "new", renumbered(GROUPS), exams=("a", "b"))
    assert keep_decisions(old, read_comparison(new)) == "Your 3 decisions were taken over."
    assert said(new) == {10: "accepted", 20: "reclassed", 30: "rejected"}
    kept = json.loads((new / CHANGE_REVIEW_FILE).read_text())
    assert kept["reviewer"] == "anna"
    assert kept["decisions"][PAIR]["20"]["change"] == "stable"


@pytest.mark.parametrize(
    "change",
    [
        {"change": "enlarging"},
        {"after_volume_mm3": 110.0},
        {"before_volume_mm3": 30.0},
        {"center_ras_mm": [90.0, 0.0, 0.0]},
    ],
)
def test_a_lesion_that_is_no_longer_the_same_is_named_and_not_decided_on(old, tmp_path, change):
    new = write_comparison(tmp_path / "new", [{**GROUPS[0], **change}, *GROUPS[1:]], exams=("a", "b"))
    text = keep_decisions(old, read_comparison(new))
    assert "2 of your 3 decisions" in text
    assert "new, 54 → 108 mm³" in text
    assert said(new) == {2: "reclassed", 3: "rejected"}
    assert (new / EARLIER_FILE).read_bytes() == (old / CHANGE_REVIEW_FILE).read_bytes()


def test_of_two_alike_in_one_place_neither_takes_the_decision(old, tmp_path):
    new = write_comparison(tmp_path / "new", [GROUPS[0], group(4, "new", 0.5, center=CENTERS[0])], exams=("a", "b"))
    assert "0 of your 3" in keep_decisions(old, read_comparison(new))
    assert not (new / CHANGE_REVIEW_FILE).exists()


def test_what_was_said_of_other_exams_is_kept_but_taken_for_none_of_these(old, tmp_path):
    new = write_comparison(tmp_path / "new", exams=("c", "b"))
    assert "0 of your 3" in keep_decisions(old, read_comparison(new))
    assert not (new / CHANGE_REVIEW_FILE).exists()
    assert (new / EARLIER_FILE).is_file()


def test_nothing_said_is_nothing_to_tell(tmp_path):
    folder = write_comparison(tmp_path / "old")
    new = read_comparison(write_comparison(tmp_path / "new"))
    assert keep_decisions(folder, new) == ""
    assert not (new.folder / EARLIER_FILE).exists()


def test_a_damaged_review_is_kept_and_said(old, tmp_path):
    (old / CHANGE_REVIEW_FILE).write_text("{")
    new = write_comparison(tmp_path / "new", exams=("a", "b"))
    assert "could not be taken over" in keep_decisions(old, read_comparison(new))
    assert (new / EARLIER_FILE).read_text() == "{"
