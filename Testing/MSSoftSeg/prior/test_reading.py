"""What a reader says of changes: kept at once, beside the comparison, with one undo; none is lost or taken for another's."""

from __future__ import annotations

import dataclasses
import json

import pytest
from MSSoftSegGUI.prior.comparison import read_comparison
from MSSoftSegGUI.prior.decisions import OTHERS_FILE, read_decisions
from MSSoftSegGUI.prior.reading import ChangeReading

from MSSoftSegLib.result_files import CHANGE_REVIEW_FILE
from Testing.MSSoftSeg.stand_ins.made_comparisons import (
    FINDING,
    GROUPS,
    NEXT_PAIR,
    PAIR,
    group,
    write_comparison,
    write_three_visits,
)


@pytest.fixture
def reading(tmp_path):
    """A comparison that was just opened."""
    found = ChangeReading(show=lambda view: None, jump=lambda row: None, reviewer=lambda: "anna")
    found.open(read_comparison(write_comparison(tmp_path / "change")))
    return found


def said(reading) -> dict:
    """The file beside change.json."""
    return json.loads((reading.comparison.folder / CHANGE_REVIEW_FILE).read_text(encoding="utf-8"))


def test_changes_come_likeliest_first_and_warnings_before_them(reading):
    assert [row.id for row in reading.view.rows] == [1, 2, 3]
    assert reading.view.findings == (FINDING,)
    assert reading.view.summary_text == ("1 new, 1 enlarging, 1 not decidable · 0.05 → 0.11 ml · 0 of 3 decided")


def test_what_cannot_be_decided_says_why(reading):
    reading.select(3)
    assert reading.view.detail_text.endswith("only one visit covers it")
    gone = dataclasses.replace(reading.view.rows[0], before_mm3=0.0, before_interval_mm3=(0.0, 1.0))
    view = dataclasses.replace(reading.view, rows=(gone,), selected=gone.id)
    assert view.detail_text.startswith("0 mm³ → "), "what is not there has no range"


def test_each_decision_is_on_the_disk_with_the_readers_name_and_the_next_change_is_selected(reading):
    reading.select(1)
    reading.accept()
    assert reading.view.selected == 2
    reading.reclass("stable")
    assert reading.view.selected == 3
    reading.reject()
    assert said(reading)["reviewer"] == "anna"
    assert said(reading)["decisions"][PAIR] == {
        "1": {"decision": "accepted", "change": "new"},
        "2": {"decision": "reclassed", "change": "stable"},
        "3": {"decision": "rejected", "change": "not decidable"},
    }
    assert reading.view.summary_text.startswith("1 new, 1 stable · ")


def test_called_what_it_was_found_to_be_a_change_is_accepted(reading):
    reading.select(2)
    reading.reclass("enlarging")
    assert reading.view.decision_of(reading.view.row_of(2)) == "accepted"


def test_one_undo_takes_back_whatever_was_said_last_on_the_disk_too(reading):
    reading.select(1)
    reading.reject()
    reading.reclass("split")
    reading.undo()
    assert reading.view.selected == 2
    assert set(said(reading)["decisions"][PAIR]) == {"1"}
    reading.undo()
    assert said(reading)["decisions"][PAIR] == {}
    assert not reading.view.can_undo


def test_opened_again_it_goes_on_where_it_was_left(reading):
    reading.select(1)
    reading.accept()
    again = ChangeReading(show=lambda view: None, jump=lambda row: None, reviewer=lambda: "")
    again.open(read_comparison(reading.comparison.folder))
    assert again.view.decision_of(again.view.row_of(1)) == "accepted"


def test_what_was_said_of_another_comparison_is_put_aside_and_not_taken(reading):
    reading.select(1)
    reading.accept()
    folder = reading.comparison.folder
    document = json.loads((folder / "change.json").read_text())
    document["pairs"][0]["groups"] = [group(1, "resolved", 0.9)]
    (folder / "change.json").write_text(json.dumps(document))
    reading.open(read_comparison(folder))
    assert "another comparison" in reading.view.message
    assert reading.view.decisions.made == {}
    reading.select(1)
    reading.reject()
    assert read_decisions(reading.comparison).made[1].decision == "rejected"
    assert (folder / OTHERS_FILE).is_file()


def test_what_was_said_of_earlier_visits_stays(reading):
    reading.select(1)
    reading.accept()
    path = reading.comparison.folder / CHANGE_REVIEW_FILE
    document = said(reading)
    document["decisions"]["visit0-visit1"] = {"7": {"decision": "accepted", "change": "new"}}
    path.write_text(json.dumps(document))
    reading.select(2)
    reading.reject()
    assert set(said(reading)["decisions"]) == {"visit0-visit1", PAIR}


def test_of_three_visits_the_latest_two_are_read_unless_others_are_chosen(tmp_path):
    folder = write_three_visits(tmp_path / "series")
    last, first = read_comparison(folder), read_comparison(folder, PAIR)
    assert [each.title for each in last.pairs] == ["visit 1 → visit 2", "visit 2 → visit 3"]
    assert (last.pair, last.later, [row.change for row in last.rows]) == (NEXT_PAIR, (), ["resolved", "stable"])
    assert (first.pair, first.later, [row.change for row in first.rows]) == (PAIR, (folder / NEXT_PAIR,), ["new"])
    assert (first.volumes_ml, last.volumes_ml) == ((0.054, 0.108), (0.108, 0.06))
    assert (first.findings, last.findings) == ((FINDING,), ())
    assert read_comparison(folder, "visit8-visit9").pair == NEXT_PAIR


def test_what_was_said_of_each_pair_is_kept_apart(tmp_path):
    folder = write_three_visits(tmp_path / "series")
    found = ChangeReading(show=lambda view: None, jump=lambda row: None, reviewer=lambda: "anna")
    for pair in (NEXT_PAIR, PAIR):
        found.open(read_comparison(folder, pair))
        assert found.view.decisions.made == {}
        found.select(1)
        found.accept()
    found.open(read_comparison(folder))
    assert found.view.decision_of(found.view.row_of(1)) == "accepted"
    assert {pair: set(groups) for pair, groups in said(found)["decisions"].items()} == {PAIR: {"1"}, NEXT_PAIR: {"1"}}


def test_whose_lesions_were_compared_is_said(reading, tmp_path):
    assert reading.view.masks_text == "Lesions of earlier visit: the model’s, today: the reader’s (anna)"
    reading.open(read_comparison(write_three_visits(tmp_path / "series"), PAIR))
    assert reading.view.masks_text == "Lesions of both visits: the model’s"


def test_a_comparison_of_a_version_that_knew_no_readers_is_read(tmp_path):
    folder = write_comparison(tmp_path / "old")
    document = json.loads((folder / "change.json").read_text())
    for each in document["visits"]:
        del each["mask"], each["rater"]
    (folder / "change.json").write_text(json.dumps(document))
    assert [each.reader for each in read_comparison(folder).compared] == [None, None]


def test_a_decision_that_cannot_be_kept_is_not_shown_as_made(reading, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("MSSoftSegGUI.prior.decisions.os.replace", full)
    reading.select(1)
    reading.accept()
    assert reading.view.decisions.made == {}
    assert "No space left" in reading.view.message
    assert not list(reading.comparison.folder.glob(".*.partial"))


@pytest.mark.parametrize("damage", ["{", "{}", json.dumps({"pairs": [{"name": PAIR, "groups": [{"id": 1}]}]})])
def test_a_damaged_comparison_is_refused_in_words(tmp_path, damage):
    folder = write_comparison(tmp_path / "change", GROUPS)
    (folder / "change.json").write_text(damage)
    with pytest.raises(ValueError, match=r"change\.json is not one of this version"):
        read_comparison(folder)
