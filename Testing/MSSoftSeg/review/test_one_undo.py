"""One undo for decisions, threshold and strokes, whatever key it is asked for with; the slider never says another mask."""

from __future__ import annotations

import numpy as np
import pytest

from Testing.MSSoftSeg.review.test_review import Stage
from Testing.MSSoftSeg.review.test_review_gestures import fire
from Testing.MSSoftSeg.stand_ins.made_results import flair_node, matrix_of

PLACE_KJI = (10, 5, 34)


def picture(reader) -> tuple[float, bytes, tuple[str, ...]]:
    """What is seen: slider, mask, statuses."""
    statuses = tuple(row.status for row in sorted(reader.view.rows, key=lambda row: row.number))
    return round(reader.ui("thresholdSlider").value, 4), np.packbits(reader.masks()[0]).tobytes(), statuses


def test_undo_takes_back_a_stroke_a_move_of_the_threshold_and_a_decision_in_turn(reader):
    reader.segment_made(flair_node())
    seen = [picture(reader)]
    k, j, i = PLACE_KJI
    reader.click("paintLesionButton")
    reader.paint((matrix_of() @ [i, j, k, 1.0])[:3])
    seen.append(picture(reader))
    reader.ui("thresholdSlider").value = 0.8
    seen.append(picture(reader))
    reader.click_row(next(n for n, row in enumerate(reader.view.rows) if row.origin == "model"))
    fire(reader, "X")
    seen.append(picture(reader))
    assert len({each[:2] for each in seen}) == 4
    for key, expected in zip("ZUZ", reversed(seen[:-1]), strict=True):
        fire(reader, key)
        assert picture(reader) == expected
    assert not reader.ui("undoButton").enabled
    for expected in seen[1:]:
        fire(reader, "Y")
        assert picture(reader) == expected


def test_the_editors_own_undo_cannot_be_asked_for(reader):
    """It restores whole segmentations: after the threshold moved, a mask that the slider does not say."""
    from PySide6 import QtGui

    reader.segment_made(flair_node())
    editor = reader.ui("segmentEditor")._inner
    assert not editor.undoEnabled
    assert not editor._undo_box.isVisible()
    deaf = {each.key().toString() for each in editor._shortcuts if not each.isEnabled()}
    assert deaf == {"Z", "Y", "Ctrl+Z", "Ctrl+Shift+Z"}
    assert all(isinstance(each, QtGui.QShortcut) for each in editor._shortcuts)


def test_a_script_that_asks_the_editor_for_undo_gets_no_mask_of_another_threshold(reader):
    reader.segment_made(flair_node())
    k, j, i = PLACE_KJI
    reader.click("paintLesionButton")
    reader.paint((matrix_of() @ [i, j, k, 1.0])[:3])
    reader.ui("thresholdSlider").value = 0.8
    before = picture(reader)
    reader.ui("segmentEditor").undo()
    reader.rest(0.4)
    assert picture(reader) == before


def test_the_editors_keys_act_once_a_result_is_open_and_are_given_back(reader):
    editor = reader.ui("segmentEditor")._inner
    assert editor._shortcuts == []
    reader.segment_made(flair_node())
    assert editor._shortcuts
    fire(reader, "1")
    assert editor.activeEffect() is not None
    reader.widget.exit()
    assert editor._shortcuts == []
    assert editor.activeEffect() is None
    reader.widget.enter()
    assert editor._shortcuts
    reader.segment_made(flair_node("another", (-25.0, -15.0, -10.0)), "Bert")
    assert editor._shortcuts, "a second result leaves the keys alive"


def test_a_slider_that_is_held_is_one_step():
    stage = Stage()
    for threshold in (0.55, 0.6, 0.65):
        stage.review.set_threshold(threshold)
    stage.review.release_threshold(0.65)
    stage.review.undo()
    assert stage.view.threshold == pytest.approx(0.5)
    assert not stage.view.can_undo
    stage.review.redo()
    assert stage.view.threshold == pytest.approx(0.65)


def test_a_stroke_that_changed_nothing_is_no_step():
    stage = Stage()
    lesion = stage.review.labels == 1
    stage.review.take_edits(lesion, np.zeros_like(lesion))
    assert not stage.view.can_undo


def test_undo_brings_back_what_the_eraser_took_though_the_threshold_moved_since():
    stage = Stage()
    before = stage.review.labels.copy()
    lesion = before == 1
    erased = lesion.copy()
    erased[8] = False
    stage.review.take_edits(erased, np.zeros_like(lesion))
    stage.review.release_threshold(0.8)
    assert not (stage.review.labels == 1)[8].any()
    stage.review.undo()
    stage.review.undo()
    assert np.array_equal(stage.review.labels, before)
    assert stage.review.edits_json == ""


def test_decisions_in_bulk_leave_what_was_decided_and_are_one_step():
    stage = Stage()
    stage.review.select(1)
    stage.review.reject()
    before = [row.status for row in sorted(stage.view.rows, key=lambda row: row.number)]
    # Mean probabilities: 0.9 of lesion 1, which is rejected already, 0.6 of lesion 2, 0.7 of lesion 3.
    assert stage.review.accept_all(probability=0.65) == 1
    assert [row.status for row in sorted(stage.view.rows, key=lambda row: row.number)] == [
        "rejected",
        "undecided",
        "accepted",
    ]
    stage.review.undo()
    assert [row.status for row in sorted(stage.view.rows, key=lambda row: row.number)] == before
    smallest = min(row.volume_mm3 for row in stage.view.rows)
    assert stage.review.reject_all(below_mm3=smallest) == 0, "a lesion of just this size stays"
    assert stage.review.reject_all(below_mm3=1000.0) == 2
    assert not (stage.review.labels == 1).any()
    stage.review.undo()
    assert [row.status for row in sorted(stage.view.rows, key=lambda row: row.number)] == before


def test_the_bulk_buttons_ask_for_what_stands_beside_them(reader):
    reader.segment_made(flair_node())
    reader.ui("acceptAllSpinBox").value = 0.85
    reader.click("acceptAllButton")
    assert sorted(row.status for row in reader.view.rows) == ["accepted", "undecided"]
    reader.ui("rejectAllSpinBox").value = 60.0
    reader.click("rejectAllButton")
    assert sorted(row.status for row in reader.view.rows) == ["accepted", "rejected"]
    assert not reader.ui("acceptAllButton").enabled
    assert not reader.ui("rejectAllButton").enabled


def test_a_bulk_button_that_finds_no_lesion_says_so(reader):
    reader.segment_made(flair_node())
    smallest = min(row.volume_mm3 for row in reader.view.rows)
    reader.ui("rejectAllSpinBox").value = max(1.0, smallest // 2)
    reader.click("rejectAllButton")
    assert "No undecided lesion is smaller than" in reader.ui("noteMessage").text
    assert "mm³" in reader.ui("noteMessage").text
    reader.ui("acceptAllSpinBox").value = 1.0
    reader.click("acceptAllButton")
    assert "No undecided lesion has a mean probability of 1.00 or more" in reader.ui("noteMessage").text
    assert {row.status for row in reader.view.rows} == {"undecided"}


def test_the_smallest_lesion_is_live_one_step_of_undo_and_leaves_what_was_drawn():
    stage = Stage()
    before = stage.review.labels.copy()
    sizes = sorted(row.volume_mm3 for row in stage.view.rows)
    stage.review.set_threshold(min_lesion_mm3=sizes[0] * 1.01)
    assert [row.volume_mm3 for row in stage.view.rows if row.volume_mm3 < sizes[1]] == []
    stage.review.release_threshold(min_lesion_mm3=sizes[1])
    assert len(stage.view.rows) == 2, "a lesion of just this size stays"
    assert stage.view.volume_interval_ml is None, "the model's interval is of its own smallest lesion"
    drawn = stage.review.labels == 1
    drawn[0, 13, 15] = True
    stage.review.take_edits(drawn, np.zeros_like(drawn))
    stage.review.release_threshold(min_lesion_mm3=1e6)
    assert [row.origin for row in stage.view.rows] == ["drawn"]
    stage.review.undo()
    stage.review.undo()
    assert len(stage.view.rows) == 2
    stage.review.undo()
    assert np.array_equal(stage.review.labels, before)
    assert not stage.view.can_undo


def test_a_decision_survives_a_smallest_lesion_that_hides_it_for_a_while():
    stage = Stage()
    smallest = min(stage.view.rows, key=lambda row: row.volume_mm3)
    stage.review.select(smallest.number)
    stage.review.reject()
    stage.review.release_threshold(min_lesion_mm3=smallest.volume_mm3 * 2)
    stage.review.release_as_model()
    assert stage.view.row_of(smallest.number).status == "rejected"
    again = Stage(decisions_json=stage.review.decisions_json, min_lesion_mm3=smallest.volume_mm3 * 2)
    assert again.view.row_of(smallest.number) is None
