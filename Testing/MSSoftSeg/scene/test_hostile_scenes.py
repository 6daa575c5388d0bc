"""What may happen to a result in the scene: deleted, renamed, moved, edited elsewhere, saved under any name."""

from __future__ import annotations

import numpy as np
import pytest

from Testing.MSSoftSeg.stand_ins.made_results import flair_node, maps_of


def test_a_segment_deleted_in_an_editor_is_empty_and_can_be_painted_again(reader):
    exam = reader.segment_made(flair_node())
    exam.segmentation.GetSegmentation().RemoveSegment("MSLesion")
    reader.rest(0.4)
    assert exam.segmentation.GetSegmentation().GetSegment("MSLesion") is not None
    assert reader.view.count == 0
    reader.click("paintLesionButton")
    reader.paint((10.0, 5.0, 20.0))
    assert reader.masks()[0].any()
    assert reader.view.count == 1


def test_a_renamed_segmentation_is_still_the_exams(reader):
    exam = reader.segment_made(flair_node())
    exam.segmentation.SetName("mine now")
    reader.ui("thresholdSlider").value = 0.75
    assert reader.masks()[0].sum() == 27


def test_a_deleted_result_node_says_how_to_get_it_back(reader):
    import slicer

    exam = reader.segment_made(flair_node())
    slicer.mrmlScene.RemoveNode(exam.entropy)
    reader.host.process_events()
    assert "Click Segment" in reader.ui("summaryLabel").text
    reader.segment_made(exam.flair)
    assert reader.view.count == 2


def test_what_was_drawn_elsewhere_while_another_exam_was_on_the_table_survives_the_slider(reader):
    import slicer
    from MSSoftSegGUI.scene.segmentation_node import makeLabelmap

    anna, berta = flair_node("Anna FLAIR"), flair_node("Berta FLAIR", (-20.0, -15.0, -9.0))
    exam = reader.segment_made(anna, "Anna")
    reader.choose(berta, "Berta")
    reader.host.process_events()
    drawn = maps_of()[0] >= 0.5
    drawn[10, 3:6, 3:6] = True
    lesion = exam.segmentation.GetSegmentation().GetSegment("MSLesion")
    lesion.RemoveAllRepresentations("")
    lesion.AddRepresentation("Binary labelmap", makeLabelmap(drawn, exam.probability))
    reader.choose(anna, "Anna")
    reader.wait(lambda: reader.review.exam is not None)
    assert reader.view.count == 3
    reader.ui("thresholdSlider").value = 0.75
    assert reader.masks()[0].sum() == 27 + 9
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") != []


def test_a_second_segment_keeps_what_the_reader_had_done_and_leaves_no_stray_node(reader):
    import slicer

    flair = flair_node()
    exam = reader.segment_made(flair)
    plain = [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLDisplayNode")]
    segment_again = exam.segmentation
    reader.start_run(flair)
    reader.worker.finish()
    reader.wait(lambda: exam.segmentation is not segment_again and reader.review.exam is not None)
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == [exam.segmentation]
    assert len(slicer.util.getNodesByClass("vtkMRMLDisplayNode")) == len(plain)
    reader.click_row(0)
    reader.click("rejectButton")
    worked_on = exam.segmentation
    reader.ui("thresholdSlider").value = 0.75
    reader.start_run(flair)
    reader.worker.finish()
    reader.wait(lambda: exam.segmentation is not worked_on and reader.review.exam is not None)
    assert slicer.mrmlScene.IsNodePresent(worked_on)
    assert worked_on.GetName().endswith("before")
    assert not worked_on.GetDisplayVisibility()
    assert exam.threshold == pytest.approx(0.5)
    assert exam.decisions == ""
    assert reader.view.count == 2


def test_reject_then_threshold_then_undo_takes_back_one_after_the_other(reader):
    reader.segment_made(flair_node())
    reader.click_row(0)
    rejected = reader.view.row_of(reader.view.selected).anchor
    reader.click("rejectButton")
    reader.ui("thresholdSlider").value = 0.4
    reader.click("undoButton")
    assert reader.ui("thresholdSlider").value == pytest.approx(0.5)
    assert "rejected" in {row.status for row in reader.view.rows}
    reader.click("undoButton")
    assert {row.status for row in reader.view.rows} == {"undecided"}
    assert reader.view.row_of(reader.view.selected).anchor == rejected
    assert reader.masks()[0].sum() == 54


def test_a_reopened_scene_still_says_the_warnings_and_can_undo(reader, tmp_path):
    import slicer

    reader.segment_made(flair_node(), warnings=("T1 is missing: the model works less reliably",))
    assert reader.ui("reviewMessage").visible
    reader.click_row(0)
    reader.click("rejectButton")
    path = str(tmp_path / "visit.mrb")
    assert slicer.util.saveScene(path)
    folder = reader.review.exam.resultFolder
    reader.host.close_scene()
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
    slicer.util.loadScene(path)
    reader.wait(lambda: reader.review.exam is not None)
    assert reader.ui("reviewMessage").text == "T1 is missing: the model works less reliably."
    assert reader.view.count == 1
    reader.click("undoButton")
    assert reader.view.count == 2


@pytest.mark.parametrize("case", ["Müller/Ångström: 患者 №7", "x" * 300, "{case} %s ..\\.. 'quoted'"])
def test_any_name_of_a_case_can_be_segmented_saved_and_opened_again(reader, tmp_path, case):
    import slicer

    exam = reader.segment_made(flair_node(), case)
    assert case in exam.segmentation.GetName()
    path = str(tmp_path / "visit.mrb")
    assert slicer.util.saveScene(path)
    reader.host.close_scene()
    slicer.util.loadScene(path)
    reader.wait(lambda: reader.review.exam is not None)
    assert reader.review.exam.caseName == case
    assert reader.view.count == 2


def test_the_brain_mask_of_one_exam_is_never_taken_for_the_next(reader):
    import slicer

    anna, berta = flair_node("Anna FLAIR"), flair_node("Berta FLAIR", (-20.0, -15.0, -9.0))
    reader.choose(anna)
    mask = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Anna brain mask")
    reader.workbench._currentExam().brainMask = mask
    reader.workbench.segment.chooseBrainMask(mask)
    assert reader.workbench.segment.choices()["brain_mask"] == mask.GetID()
    reader.choose(berta, "Berta")
    assert reader.workbench.segment.choices()["brain_mask"] == ""
    reader.choose(anna, "Anna")
    assert reader.workbench.segment.choices()["brain_mask"] == mask.GetID()


def test_a_result_moved_by_a_transform_rings_its_lesion_where_it_is_shown(reader):
    import slicer

    exam = reader.segment_made(flair_node())
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    shift = np.eye(4)
    shift[:3, 3] = (50.0, 0.0, 0.0)
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(shift))
    for node in (exam.flair, exam.probability, exam.entropy, exam.segmentation):
        node.SetAndObserveTransformNodeID(transform.GetID())
    reader.click_row(0)
    ring = reader.review._blinker._node
    bounds = np.zeros(6)
    ring.GetRASBounds(bounds)
    sagittal = slicer.util.getNode("vtkMRMLSliceNodeYellow").GetSliceToRAS().GetElement(0, 3)
    assert bounds[0] < sagittal < bounds[1]


def test_nothing_of_one_exam_is_drawn_over_the_next(reader):
    import slicer

    anna, berta = flair_node("Anna FLAIR"), flair_node("Berta FLAIR", (-20.0, -15.0, -9.0))
    exam = reader.segment_made(anna, "Anna")
    reader.choose(berta, "Berta")
    composite = slicer.util.getNode("vtkMRMLSliceCompositeNodeRed")
    assert not exam.segmentation.GetDisplayVisibility()
    assert composite.GetBackgroundVolumeID() == berta.GetID()
    assert composite.GetForegroundVolumeID() is None
    reader.choose(anna, "Anna")
    reader.wait(lambda: reader.review.exam is not None)
    assert exam.segmentation.GetDisplayVisibility()
    assert composite.GetBackgroundVolumeID() == anna.GetID()
    assert composite.GetForegroundVolumeID() == exam.probability.GetID()


def test_closing_the_scene_while_it_compares_gives_the_users_layout_back(reader):
    import slicer

    before = slicer.app.layoutManager().layout
    reader.segment_made(flair_node())
    reader.choose_layout("maps")
    assert slicer.app.layoutManager().layout != before
    reader.host.close_scene()
    reader.wait(lambda: slicer.app.layoutManager().layout == before)


def test_after_a_single_pass_no_disagreement_and_no_range_are_claimed(reader):
    from MSSoftSegGUI.scene.review_facts import ReviewFacts

    one = ReviewFacts(0.5, 3.0, (0.0, 0.0), (0.1, 0.1))
    several = ReviewFacts(0.5, 3.0, (0.0, 0.2), (0.1, 0.2))
    assert one.lsu_of(2) == (None, None)
    assert several.lsu_of(2) == (0.0, 0.2)
    reader.segment_made(flair_node(), interval_ml=(0.108, 0.108), lsu=(0.0, 0.0))
    assert "passes" not in reader.ui("summaryLabel").text
    assert reader.ui("lesionTable").item(0, 5).text() == "–"


def test_the_lesion_that_is_looked_at_wears_a_ring_until_it_is_painted_on(reader):
    exam = reader.segment_made(flair_node())
    reader.click_row(0)
    ring = reader.review._blinker._node
    bounds, lesion = np.zeros(6), np.zeros(6)
    ring.GetRASBounds(bounds)
    exam.segmentation.GetRASBounds(lesion)
    place = reader.view.row_of(reader.view.selected).place_ras_mm
    assert all(bounds[2 * axis] < place[axis] - 3 and place[axis] + 3 < bounds[2 * axis + 1] for axis in range(3))
    reader.wait(lambda: not reader.review._blinker._timer.active, "the end of the blinking")
    assert ring.GetDisplayNode().GetVisibility()
    assert not ring.GetSaveWithScene()
    reader.click("paintLesionButton")
    reader.paint((10.0, 5.0, 20.0))
    assert reader.review._blinker._node is None
