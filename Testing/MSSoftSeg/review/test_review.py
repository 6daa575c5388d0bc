"""The review: rows, decisions with undo, edits, and a mask that always follows."""

from __future__ import annotations

import numpy as np
import pytest
from MSSoftSegGUI.review.columns import list_columns
from MSSoftSegGUI.review.material import ReviewMaterial
from MSSoftSegGUI.review.presenter import ReviewPresenter
from MSSoftSegGUI.scene.review_facts import LesionPlaceFacts, ReviewFacts

from MSSoftSegLib.lesion.uncertainty import entropy_nats

SHAPE = (12, 14, 16)
# Oblique, flipped, anisotropic: i runs to the left and up, j to the front, k to the right.
RAS_FROM_IJK = np.array([[-0.8, 0.0, 1.2, 10.0], [0.0, 1.5, 0.0, -20.0], [0.6, 0.0, 1.6, 30.0], [0.0, 0.0, 0.0, 1.0]])
VOXEL_MM3 = abs(np.linalg.det(RAS_FROM_IJK[:3, :3]))
LARGE, MIDDLE, SMALL = (slice(2, 5), slice(2, 5), slice(2, 5)), (8, slice(2, 6), 3), (8, 9, slice(10, 12))


def material(**changes):
    probability = np.zeros(SHAPE, np.float32)
    probability[LARGE], probability[MIDDLE], probability[SMALL] = 0.9, 0.6, 0.7
    facts = ReviewFacts(
        model_threshold=0.5, min_lesion_mm3=2.0, lsu=(0.1, 0.4, 0.8), volume_interval_ml=(0.05, 0.09), **changes
    )
    return ReviewMaterial(probability, entropy_nats(probability), RAS_FROM_IJK, facts)


class Stage:
    """A review and everything that it showed."""

    def __init__(self, **settings):
        self.views, self.jumps, self.changes = [], [], []
        self.review = ReviewPresenter(show=self._show, jump=self.jumps.append)
        self.review.open(material(), **settings)

    def _show(self, view):
        self.views.append(view)
        self.changes.append(self.review.changed)

    @property
    def view(self):
        return self.views[-1]


def ras_of(k, j, i):
    return pytest.approx((RAS_FROM_IJK @ [i, j, k, 1])[:3])


def test_rows_come_least_certain_first_with_the_numbers_of_each_lesion():
    view = Stage().view
    assert [row.number for row in view.rows] == [3, 2, 1]
    smallest = view.rows[0]
    assert smallest.volume_mm3 == pytest.approx(2 * VOXEL_MM3)
    assert smallest.mean_probability == pytest.approx(0.7)
    assert smallest.mean_entropy_nats == pytest.approx(-0.7 * np.log(0.7) - 0.3 * np.log(0.3), rel=1e-5)
    assert smallest.lsu == 0.8
    assert [column.text(smallest) for column in list_columns() if not column.is_place] == [
        "3",
        f"{2 * VOXEL_MM3:.1f}",
        f"{smallest.longest_axis_mm:.1f}",
        "0.70",
        "0.61",
        "0.80",
        "",
    ]


def test_count_volume_and_interval_are_those_of_the_models_threshold():
    view = Stage().view
    assert view.count == 3
    assert view.volume_ml == pytest.approx(33 * VOXEL_MM3 / 1000)
    assert view.summary_text == f"3 lesions · {33 * VOXEL_MM3 / 1000:.2f} ml (single passes: 0.05–0.09 ml)"


def test_selecting_a_row_jumps_to_a_voxel_of_that_lesion_on_an_oblique_flipped_grid():
    stage = Stage()
    stage.review.select(1)
    assert stage.jumps == [ras_of(3, 3, 3)]
    assert stage.view.selected == 1


def test_a_bent_lesion_is_shown_where_it_is_and_not_at_its_center():
    bent = material()
    bent.probability[LARGE] = 0
    bent.probability[2:9, 12, 2:9] = 0.9
    bent.probability[3:9, 12, 3:9] = 0
    stage = Stage()
    stage.review.open(bent)
    row = next(row for row in stage.view.rows if row.number == 1)
    index = np.linalg.solve(RAS_FROM_IJK, [*row.place_ras_mm, 1])[:3].round().astype(int)
    assert bent.probability[tuple(index[::-1])] == np.float32(0.9)


def test_a_rejected_lesion_leaves_mask_count_and_volume_and_the_next_one_is_selected():
    stage = Stage()
    stage.review.select(3)
    stage.review.reject()
    assert not stage.review.labels[SMALL].any()
    wanted = np.zeros(stage.review.labels.shape, bool)
    wanted[8, 9, 10:12] = True
    assert [sorted(each) for each in stage.changes[-2:]] == [np.flatnonzero(wanted).tolist(), []]
    assert stage.view.count == 2
    assert stage.view.volume_ml == pytest.approx(31 * VOXEL_MM3 / 1000)
    assert stage.view.row_of(3).status == "rejected"
    assert stage.view.volume_interval_ml is None
    assert stage.view.selected == 2
    assert len(stage.jumps) == 2


def test_undo_brings_a_rejected_lesion_back_and_redo_takes_it_again():
    stage = Stage()
    stage.review.select(3)
    before = stage.review.labels.copy()
    stage.review.reject()
    after = stage.review.labels.copy()
    stage.review.undo()
    assert np.array_equal(stage.review.labels, before)
    assert stage.view.can_redo
    assert not stage.view.can_undo
    stage.review.redo()
    assert np.array_equal(stage.review.labels, after)
    stage.review.undo()
    stage.review.select(1)
    stage.review.accept()
    assert not stage.view.can_redo


def test_accepting_leaves_the_mask_and_counts_as_reviewed():
    stage = Stage()
    stage.review.next()
    stage.review.accept()
    assert stage.view.row_of(3).status == "accepted"
    assert stage.view.count == 3
    assert stage.view.progress_text == "1 of 3 reviewed"


def test_next_visits_every_undecided_lesion_and_then_stays():
    stage = Stage()
    visited = []
    for _ in range(3):
        stage.review.next()
        visited.append(stage.view.selected)
    assert visited == [3, 2, 1]
    stage.review.next()
    assert stage.view.selected == 3
    for _ in range(3):
        stage.review.accept()
    selected = stage.view.selected
    stage.review.next()
    assert stage.view.selected == selected
    assert stage.view.undecided == 0


def test_previous_walks_the_other_way_round():
    stage = Stage()
    stage.review.select(3)
    visited = []
    for _ in range(3):
        stage.review.previous()
        visited.append(stage.view.selected)
    assert visited == [1, 2, 3]


def test_a_moved_threshold_changes_the_mask_where_it_must_and_the_selection_stays_on_its_lesion():
    stage = Stage()
    stage.review.select(3)
    stage.review.set_threshold(0.65)
    assert not stage.review.labels[MIDDLE].any()
    assert stage.review.labels[SMALL].all()
    assert stage.view.count == 2
    assert stage.view.selected == 2
    assert not stage.view.rows_final
    assert stage.view.volume_interval_ml is None
    stage.review.release_threshold(0.5)
    assert stage.view.selected == 3
    assert stage.view.rows_final


def test_rejected_lesions_stay_away_while_the_threshold_moves():
    stage = Stage()
    stage.review.select(3)
    stage.review.reject()
    for threshold in (0.65, 0.05, 0.5):
        stage.review.set_threshold(threshold)
        assert not stage.review.labels[SMALL].any()


def test_a_lesion_at_another_threshold_carries_the_disagreement_of_the_one_that_it_was():
    stage = Stage()
    stage.review.set_threshold(0.65)
    assert {row.number: row.lsu for row in stage.view.rows} == {1: 0.1, 2: 0.8}


def test_a_lesion_that_the_model_did_not_report_has_no_disagreement_and_comes_first():
    faint = material()
    faint.probability[8, 12, 12:15] = 0.3
    stage = Stage()
    stage.review.open(faint)
    stage.review.set_threshold(0.2)
    assert stage.view.rows[0].lsu is None
    assert stage.view.rows[0].lsu is None


def test_painted_voxels_stay_when_the_threshold_moves_and_possible_lesion_never_covers_lesion():
    stage = Stage()
    lesion, possible = stage.review.labels == 1, np.zeros(SHAPE, bool)
    lesion[8, 9, 12], lesion[2, 2, 2] = True, False
    possible[8, 9, 11:15] = True
    stage.review.take_edits(lesion, possible)
    assert stage.review.labels[8, 9, 10:16].tolist() == [1, 1, 1, 2, 2, 0]
    assert stage.view.volume_ml == pytest.approx(33 * VOXEL_MM3 / 1000)
    stage.review.set_threshold(0.8)
    assert stage.review.labels[8, 9, 10:16].tolist() == [0, 0, 1, 2, 2, 0]
    stage.review.release_threshold(0.5)
    assert stage.review.labels[8, 9, 10:16].tolist() == [1, 1, 1, 2, 2, 0]
    assert stage.review.labels[2, 2, 2] == 0
    assert stage.review.possible_volume_ml() == pytest.approx(2 * VOXEL_MM3 / 1000)


def test_a_lesion_painted_apart_gets_a_row_of_its_own_and_counts():
    stage = Stage()
    lesion = stage.review.labels == 1
    lesion[10, 11:13, 14] = True
    stage.review.take_edits(lesion, np.zeros(SHAPE, bool))
    assert stage.view.count == 4
    drawn = stage.view.row_of(4)
    assert drawn.origin == "drawn"
    assert drawn.volume_mm3 == pytest.approx(2 * VOXEL_MM3)
    stage.review.select(4)
    assert stage.jumps[-1] == ras_of(10, 12, 14)
    stage.review.reject()
    assert stage.view.count == 4


def test_a_painted_lesion_has_the_place_that_the_worker_says_until_it_is_painted_on():
    stage = Stage()
    lesion = stage.review.labels == 1
    lesion[10, 11:13, 14] = True
    stage.review.take_edits(lesion, np.zeros(SHAPE, bool))
    place = LesionPlaceFacts("infratentorial", 3.0, 4.0, {"infratentorial": 0.9})
    stage.review.take_places({stage.view.row_of(4).voxels: place})
    assert stage.view.row_of(4).place == place
    assert all(row.place != place for row in stage.view.rows if row.number != 4)
    lesion[10, 13, 14] = True
    stage.review.take_edits(lesion, np.zeros(SHAPE, bool))
    assert stage.view.row_of(4).place.region == "", "it is another lesion now"
    stage.review.undo()
    assert stage.view.row_of(4).place == place


def test_a_lesion_erased_altogether_leaves_the_table():
    stage = Stage()
    lesion = stage.review.labels == 1
    lesion[SMALL] = False
    stage.review.take_edits(lesion, np.zeros(SHAPE, bool))
    assert [row.number for row in stage.view.rows] == [2, 1]
    assert stage.view.count == 2


def test_two_rounds_of_editing_at_different_thresholds_add_up():
    stage = Stage()
    lesion, nothing = stage.review.labels == 1, np.zeros(SHAPE, bool)
    lesion[MIDDLE] = False
    stage.review.take_edits(lesion, nothing)
    stage.review.set_threshold(0.65)
    lesion = stage.review.labels == 1
    lesion[0, 0, 0] = True
    stage.review.take_edits(lesion, nothing)
    stage.review.set_threshold(0.5)
    assert not stage.review.labels[MIDDLE].any()
    assert stage.review.labels[0, 0, 0] == 1


def test_threshold_decisions_and_edits_come_back_in_a_reopened_scene():
    stage = Stage()
    stage.review.select(3)
    stage.review.reject()
    lesion = stage.review.labels == 1
    lesion[0, 0, 0] = True
    stage.review.take_edits(lesion, np.zeros(SHAPE, bool))
    stage.review.release_threshold(0.55)
    again = Stage(threshold=0.55, decisions_json=stage.review.decisions_json, edits_json=stage.review.edits_json)
    assert np.array_equal(again.review.labels, stage.review.labels)
    assert again.view.rows == stage.view.rows
    assert ReviewFacts.from_json(material().facts.to_json()) == material().facts


def test_decisions_of_another_result_are_refused_and_the_open_review_stays():
    stage = Stage()
    with pytest.raises(ValueError, match="another image"):
        stage.review.open(material(), decisions_json='{"version": 1, "shape": [1, 2, 3], "decisions": []}')
    assert stage.review.is_open
    assert stage.review.labels.any()


def test_a_lesion_for_blinking_is_its_voxels_in_the_smallest_box():
    first, box = Stage().review.lesion_box(3)
    assert first == (8, 9, 10)
    assert box.shape == (1, 1, 2)
    assert box.all()
    assert Stage().review.lesion_box(17) is None


def test_the_slider_cannot_leave_the_range_in_which_it_is_exact():
    stage = Stage()
    stage.review.set_threshold(0.0)
    assert stage.view.threshold == stage.review.lowest_threshold == 0.05
    stage.review.set_threshold(2.0)
    assert stage.view.threshold == 0.95


def test_nothing_happens_while_no_result_is_open():
    views = []
    review = ReviewPresenter(show=views.append, jump=views.append)
    for act in (review.accept, review.reject, review.next, review.previous, review.undo, review.redo):
        act()
    review.set_threshold(0.3)
    review.select(1)
    review.take_edits(np.zeros(SHAPE), np.zeros(SHAPE))
    assert views == []
    assert review.decisions_json == review.edits_json == ""
