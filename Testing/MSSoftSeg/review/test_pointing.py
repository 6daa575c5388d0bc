"""Clicks in the views: a lesion is selected, one that was missed grows, one that is wrong goes, and Undo knows all of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from Testing.MSSoftSeg.review.test_review import Stage
from Testing.MSSoftSeg.review.test_review_gestures import fire
from Testing.MSSoftSeg.stand_ins.made_results import CENTERS, SHAPE_KJI, flair_node, matrix_of

# A lesion that the threshold misses, as the map of ``write_faint`` has it.
FAINT_KJI = (10, 14, 20)


def ras_of(place):
    k, j, i = place
    return (matrix_of() @ [i, j, k, 1.0])[:3]


def make_faint(folder) -> None:
    """Put a faint lesion, 0.2 and fading, into the map of a result."""
    from MSSoftSegGUI.scene.volume_files import read_volume, write_volume

    probability, matrix = read_volume(folder / "lesion_probability.nii.gz")
    k, j, i = FAINT_KJI
    probability[k - 1 : k + 2, j - 3 : j + 4, i - 3 : i + 4] = 0.15
    probability[k, j - 1 : j + 2, i - 1 : i + 2] = 0.2
    write_volume(probability, matrix, folder / "lesion_probability.nii.gz")


def segment_with_faint(reader):
    reader.start_run(flair_node())
    reader.worker.finish(spoil=make_faint)
    reader.wait(lambda: reader.review.exam is not None)
    return reader.review.exam


def statuses(reader) -> list[str]:
    return [f"{row.origin} {row.status}" for row in sorted(reader.view.rows, key=lambda row: row.number)]


@pytest.mark.parametrize("view", ["Red", "Yellow", "Green"])
def test_a_click_on_a_lesion_in_any_view_selects_its_row(reader, view):
    segment_with_faint(reader)
    for center in CENTERS:
        reader.point(ras_of(center), view=view)
        row = reader.view.row_of(reader.view.selected)
        assert row.anchor in np.flatnonzero(_cube(center))
    assert not reader.view.can_undo, "looking is no step"


def _cube(center) -> np.ndarray:
    mask = np.zeros(SHAPE_KJI, bool)
    mask[tuple(slice(each - 1, each + 2) for each in center)] = True
    return mask


def test_a_missed_lesion_grows_follows_the_radius_and_is_one_step(reader):
    segment_with_faint(reader)
    before = reader.masks()[0]
    reader.ui("growSpinBox").value = 2.0
    reader.point(ras_of(FAINT_KJI))
    small = reader.masks()[0] & ~before
    assert small[FAINT_KJI]
    assert statuses(reader)[-1].startswith("drawn")
    assert reader.view.row_of(reader.view.selected).origin == "drawn"
    for _press in range(4):
        fire(reader, "M")
    assert reader.ui("growSpinBox").value == 6.0
    large = reader.masks()[0] & ~before
    assert large.sum() > small.sum()
    assert not (small & ~large).any()
    fire(reader, "L")
    fire(reader, "Z")
    assert np.array_equal(reader.masks()[0], before)
    assert not reader.view.can_undo
    fire(reader, "Y")
    assert reader.masks()[0].sum() > before.sum()
    grown = reader.masks()[0].copy()
    reader.ui("growSpinBox").value = 2.0
    assert np.array_equal(reader.masks()[0], grown), "what was redone is finished"


def test_the_wheel_with_shift_widens_what_grew_last_and_the_brush_has_it_while_it_is_chosen(reader):
    from Testing.SlicerHost.gestures import turn_wheel_in_view

    segment_with_faint(reader)
    reader.ui("growSpinBox").value = 2.0
    reader.point(ras_of(FAINT_KJI))
    small = reader.masks()[0]
    turn_wheel_in_view("Yellow", 3, shift=True)
    assert reader.ui("growSpinBox").value == 5.0
    large = reader.masks()[0]
    assert large.sum() > small.sum()
    turn_wheel_in_view("Red", -3, shift=True)
    assert np.array_equal(reader.masks()[0], small)
    turn_wheel_in_view("Red", 3)
    reader.click("paintLesionButton")
    turn_wheel_in_view("Red", 3, shift=True)
    assert reader.ui("growSpinBox").value == 2.0


def test_where_the_model_sees_nothing_the_reader_is_told_to_paint(reader):
    segment_with_faint(reader)
    reader.point(ras_of((3, 25, 35)))
    assert "paint" in reader.ui("noteMessage").text
    assert not reader.view.can_undo
    reader.point(ras_of(CENTERS[0]))
    assert not reader.ui("noteMessage").visible


def test_shift_and_a_click_remove_a_lesion_of_the_model_or_a_grown_one(reader):
    segment_with_faint(reader)
    reader.point(ras_of(FAINT_KJI))
    reader.point(ras_of(FAINT_KJI), shift=True)
    assert len(reader.view.rows) == 2
    reader.point(ras_of(CENTERS[1]), shift=True)
    assert sorted(statuses(reader)) == ["model rejected", "model undecided"]
    assert not reader.masks()[0][CENTERS[1]]
    for _step in range(3):
        fire(reader, "Z")
    assert sorted(statuses(reader)) == ["model undecided", "model undecided"]


def test_a_drag_is_no_click_and_the_brush_has_the_mouse_while_it_is_chosen(reader):
    segment_with_faint(reader)
    reader.point(ras_of(FAINT_KJI), drag_px=12)
    assert len(reader.view.rows) == 2
    reader.click("eraseButton")
    reader.point(ras_of(CENTERS[0]))
    reader.rest(0.4)
    assert reader.view.selected == 0
    reader.ui("segmentEditor").setActiveEffectByName("")
    reader.widget.exit()
    reader.point(ras_of(FAINT_KJI))
    assert "drawn accepted" not in statuses(reader), "in another module clicks are not ours"
    reader.widget.enter()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["point", "remove", "reject", "accept", "threshold", "regrow", "stroke"]), st.integers(0, 999)
    ),
    min_size=1,
    max_size=8,
)


def do(stage: Stage, act: str, number: int) -> None:
    """One thing that a reader does, where the number says."""
    review, shape = stage.review, stage.review.labels.shape
    place = tuple(int(each) for each in np.unravel_index(number * 2689 % stage.review.labels.size, shape))
    if act == "point":
        review.point_at(place, radius_mm=1.0 + number % 7)
    elif act == "remove":
        review.remove_at(place)
    elif act == "threshold":
        review.release_threshold(0.3 + number % 60 / 100)
    elif act == "regrow":
        review.regrow(1.0 + number % 9)
    elif act == "stroke":
        lesion = review.labels == 1
        lesion[place] = not lesion[place]
        review.take_edits(lesion, review.labels == 2)
    elif stage.view.rows:
        review.select(stage.view.rows[number % len(stage.view.rows)].number)
        getattr(review, act)()


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_undo_goes_all_the_way_back_and_redo_all_the_way_forth_whatever_was_done(steps):
    stage = Stage()

    def seen():
        view = stage.view
        decided = tuple((row.anchor, row.status) for row in sorted(view.rows, key=lambda row: row.number))
        return view.threshold, stage.review.labels.tobytes(), decided, view.count, round(view.volume_ml, 9)

    first = seen()
    for act, number in steps:
        do(stage, act, number)
    last = seen()
    while stage.view.can_undo:
        stage.review.undo()
    assert seen() == first
    while stage.view.can_redo:
        stage.review.redo()
    assert seen() == last


def test_a_lesion_that_was_rejected_is_not_brought_back_by_growing_beside_it():
    stage = Stage()
    stage.review.select(1)
    stage.review.reject()
    rejected = stage.review.labels.copy()
    place = tuple(int(each) for each in np.unravel_index(stage.view.row_of(1).anchor, rejected.shape))
    assert stage.review.point_at(place, radius_mm=9.0) == "selected"
    assert np.array_equal(stage.review.labels, rejected)
