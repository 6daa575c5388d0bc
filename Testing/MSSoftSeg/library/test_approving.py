"""Approving a result on which nobody decided yet: asked about once, with how many."""

from __future__ import annotations

from Testing.MSSoftSeg.stand_ins.made_results import flair_node


def test_approve_asks_while_lesions_are_undecided_says_how_many_and_takes_a_second_click_for_yes(reader, monkeypatch):
    reader.segment_made(flair_node())
    asked, curation = [], reader.workbench.curation
    monkeypatch.setattr(curation.saver, "save", asked.append)
    curation.onApprove()
    assert asked == []
    assert "2 of 2 lesions are undecided" in reader.ui("libraryMessage").text
    reader.click_row(0)
    reader.click("acceptButton")
    curation.onApprove()
    assert asked == [], "what is undecided is another matter now"
    assert "1 of 2 lesions are undecided" in reader.ui("libraryMessage").text
    curation.onApprove()
    assert asked == ["approved"]
    reader.click("acceptButton")
    curation.onApprove()
    assert asked == ["approved", "approved"], "nothing is undecided"
