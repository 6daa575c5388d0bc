"""Where a lesion lies that the reader changed: asked for by its voxels, and till the answer what the run said."""

from __future__ import annotations

import numpy as np
from MSSoftSegGUI.review.columns import list_columns
from MSSoftSegGUI.review.material import ReviewMaterial
from MSSoftSegGUI.scene.review_facts import LesionPlaceFacts

from MSSoftSegLib.lesion.live.voxel_set import compute_voxel_digest
from MSSoftSegLib.lesion.uncertainty import entropy_nats
from Testing.MSSoftSeg.review.test_review import RAS_FROM_IJK, SHAPE, Stage, material

PLACES = (
    LesionPlaceFacts("periventricular", 0.5, 20.0, {"periventricular": 0.9}),
    LesionPlaceFacts("deep_white", 9.0, 8.0, {"deep_white": 0.9}),
    LesionPlaceFacts("juxtacortical", 30.0, 0.5, {"juxtacortical": 0.9}),
)
BOTH = LesionPlaceFacts("infratentorial", 3.0, 4.0, {"infratentorial": 0.9})


def place_stage():
    """A review of three lesions whose places the run has said."""
    stage = Stage()
    stage.review.open(material(places=PLACES))
    return stage


def paint(stage, *voxels, value=True):
    lesion = stage.review.labels == 1
    for voxel in voxels:
        lesion[voxel] = value
    stage.review.take_edits(lesion, np.zeros(SHAPE, bool))


def test_a_lesion_of_the_model_that_is_painted_onto_has_the_place_of_what_it_is_now():
    stage = place_stage()
    assert stage.view.unplaced == frozenset(), "those that are as the run left them are known"
    paint(stage, (8, 6, 3))
    row = stage.view.row_of(2)
    assert stage.view.unplaced == {row.voxels}
    assert (row.place, row.is_placed) == (PLACES[1], False), "till the worker has said it, where it was"
    assert "not yet as it is now" in next(each for each in list_columns() if each.key == "region").tip(row)
    assert all(stage.view.row_of(number).is_placed for number in (1, 3))
    stage.review.take_places({row.voxels: BOTH})
    assert (stage.view.row_of(2).place, stage.view.unplaced) == (BOTH, frozenset())
    assert "infratentorial 1" in stage.view.regions_text
    assert stage.view.row_of(1).place == PLACES[0]
    stage.review.undo()
    assert stage.view.row_of(2).place == PLACES[1]
    stage.review.redo()
    assert stage.view.row_of(2).place == BOTH, "it was said once"


def test_a_lesion_in_two_places_counts_in_both_as_in_the_report_and_its_cell_says_that_there_are_more():
    both = LesionPlaceFacts(
        "periventricular", 0.0, 0.5, {"periventricular": 0.9, "juxtacortical": 0.6, "deep_gray": 0.4}
    )
    stage = Stage()
    stage.review.open(material(places=(both, *PLACES[1:])))
    assert stage.view.regions_text == "juxtacortical 2 · deep white 1 · periventricular 1"
    region = next(each for each in list_columns() if each.key == "region")
    assert region.text(stage.view.row_of(1)) == "periventricular +1"
    assert region.tip(stage.view.row_of(1)).startswith("periventricular, juxtacortical: 0.0 mm from a ventricle")
    assert region.text(stage.view.row_of(2)) == "deep white"


def test_a_lesion_that_is_partly_erased_is_another_one_too_and_of_two_pieces_the_larger_counts():
    stage = place_stage()
    paint(stage, (8, 3, 3), value=False)
    row = stage.view.row_of(2)
    left = np.ravel_multi_index(np.array([(8, 4, 3), (8, 5, 3)]).T, SHAPE)
    assert stage.view.unplaced == {row.voxels} == {compute_voxel_digest(left)}


def test_two_lesions_that_paint_joins_have_one_place_and_count_once():
    stage = place_stage()
    paint(stage, *((8, j, i) for j, i in zip((6, 7, 8, 9), (4, 5, 6, 7), strict=True)), (8, 9, 8), (8, 9, 9))
    first, second = stage.view.row_of(2), stage.view.row_of(3)
    assert first.voxels == second.voxels
    stage.review.take_places({first.voxels: BOTH})
    assert stage.view.row_of(2).place == stage.view.row_of(3).place == BOTH
    assert stage.view.count == 2
    assert stage.view.regions_text == "infratentorial 1 · periventricular 1"


def test_at_another_threshold_lesions_that_are_others_are_asked_for_and_rejected_ones_are_not():
    stage = Stage()
    probability = material().probability.copy()
    probability[8, 6, 3] = 0.3
    given = material(places=PLACES)
    stage.review.open(ReviewMaterial(probability, entropy_nats(probability), RAS_FROM_IJK, given.facts))
    stage.review.set_threshold(0.25)
    assert stage.view.unplaced == frozenset(), "not while the slider is held"
    stage.review.release_threshold(0.25)
    assert stage.view.unplaced == {stage.view.row_of(2).voxels}
    stage.review.select(2)
    stage.review.reject()
    assert stage.view.unplaced == frozenset()
    assert stage.view.row_of(2).place == PLACES[1]
