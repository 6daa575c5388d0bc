"""The module's panel and nodes on the host: geometry, live segmentation, two exams, closing and reloading."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from Testing.MSSoftSeg.people.radiologist import MODULE
from Testing.patience import HANGING_S

SHAPE = (20, 30, 40)
CASES = ("RAS", "LPS", "oblique", "sagittal")


def matrix_of(origin=(-20.0, -15.0, -10.0)):
    matrix = np.diag([1.0, 1.0, 2.0, 1.0])
    matrix[:3, 3] = origin
    return matrix


def load_flair(name="FLAIR"):
    from MSSoftSegGUI.scene.volume_nodes import makeVolumeNode

    rng = np.random.default_rng(1)
    return makeVolumeNode(rng.normal(100, 10, SHAPE).astype(np.float32), matrix_of(), name)


def material_with(*lesions):
    """Probability 0.9 in a cube of 3 voxels about each lesion's center (k, j, i), 0.6 in the first."""
    from MSSoftSegGUI.review.material import ReviewMaterial
    from MSSoftSegGUI.scene.review_facts import ReviewFacts

    probability = np.zeros(SHAPE, np.float32)
    for number, (k, j, i) in enumerate(lesions):
        probability[k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2] = 0.6 if number == 0 else 0.9
    entropy = np.where(probability > 0, np.float32(0.3), np.float32(0.0))
    facts = ReviewFacts(0.5, 3.0, tuple(0.1 * (n + 1) for n in range(len(lesions))), (0.1, 0.3), "starter 0.1.0")
    return ReviewMaterial(probability, entropy, matrix_of(), facts)


def begin_review(radiologist, flair, *lesions, case="Anna"):
    from MSSoftSegGUI.scene.case_folder import makeFolder

    radiologist.workbench.exam.choose({"flair": flair.GetID()}, case)
    exam = radiologist.workbench._currentExam()
    radiologist.review.begin(exam, material_with(*lesions), makeFolder(case, flair))
    radiologist.host.process_events()
    return exam


def test_the_modules_own_check_of_geometry_holds_on_oblique_flipped_and_anisotropic_grids(radiologist):
    import unittest

    from MSSoftSegGUI.self_test import checkGeometry, checkSegmentationFollowsLabels

    checkGeometry(unittest.TestCase())
    checkSegmentationFollowsLabels(unittest.TestCase())


def test_a_volume_under_a_linear_transform_is_handed_over_where_it_is_shown(radiologist, tmp_path):
    import slicer
    from MSSoftSegGUI.scene.volume_files import read_volume
    from MSSoftSegGUI.scene.volume_nodes import SceneExporter

    node = load_flair()
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    shift = np.eye(4)
    shift[:3, 3] = (5.0, -3.0, 7.0)
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(shift))
    node.SetAndObserveTransformNodeID(transform.GetID())
    SceneExporter(reference=lambda: None).write_volume(node.GetID(), tmp_path / "FLAIR.nii")
    _, ras_from_ijk = read_volume(tmp_path / "FLAIR.nii")
    assert ras_from_ijk == pytest.approx(shift @ matrix_of(), abs=1e-4)


def test_a_result_is_shown_as_colored_overlay_over_flair_with_its_outline(radiologist):
    import slicer

    flair = load_flair()
    exam = begin_review(radiologist, flair, (10, 15, 20))
    composite = slicer.util.getNode("vtkMRMLSliceCompositeNodeRed")
    assert composite.GetBackgroundVolumeID() == flair.GetID()
    assert composite.GetForegroundVolumeID() == exam.probability.GetID()
    assert composite.GetForegroundOpacity() == pytest.approx(0.6)
    display = exam.probability.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (0.0, 1.0)
    assert display.GetApplyThreshold()
    assert display.GetColorNode().GetName() == "MSSoftSegProbability"
    assert exam.segmentation.GetDisplayNode().GetVisibility2DOutline()
    radiologist.ui("overlayCombo").currentIndex = 1
    assert composite.GetForegroundVolumeID() == exam.entropy.GetID()
    radiologist.ui("overlayCombo").currentIndex = 2
    assert composite.GetForegroundVolumeID() is None


def test_both_segments_carry_their_terms_and_colors(radiologist):
    exam = begin_review(radiologist, load_flair(), (10, 15, 20))
    segmentation = exam.segmentation.GetSegmentation()
    names = [segmentation.GetNthSegment(n).GetName() for n in range(segmentation.GetNumberOfSegments())]
    assert names == ["MS lesion", "Possible MS lesion"]
    import vtk

    tag = vtk.reference("")
    assert segmentation.GetSegment("PossibleMSLesion").GetTag("TerminologyEntry", tag)
    assert "99MSSOFTSEG^POSSIBLEMSLESION" in str(tag)


def test_the_slider_takes_out_what_falls_below_it_and_puts_it_back(radiologist):
    begin_review(radiologist, load_flair(), (5, 8, 10), (14, 20, 28))
    assert radiologist.masks()[0].sum() == 54
    radiologist.ui("thresholdSlider").value = 0.75
    assert radiologist.masks()[0].sum() == 27
    radiologist.click("modelThresholdButton")
    assert radiologist.masks()[0].sum() == 54
    assert radiologist.ui("thresholdSlider").value == pytest.approx(0.5)


def test_keys_and_buttons_reject_undo_and_go_on(radiologist):
    begin_review(radiologist, load_flair(), (5, 8, 10), (14, 20, 28))
    radiologist.click("nextButton")
    first = radiologist.view.selected
    radiologist.click("rejectButton")
    assert radiologist.view.selected not in (0, first)
    assert radiologist.masks()[0].sum() == 27
    radiologist.click("undoButton")
    assert radiologist.masks()[0].sum() == 54


def test_what_is_painted_survives_the_threshold_slider(radiologist):
    begin_review(radiologist, load_flair(), (5, 8, 10), (14, 20, 28))
    radiologist.click("paintLesionButton")
    radiologist.paint((15.0, -5.0, 0.0))
    painted = radiologist.masks()[0].sum()
    assert painted > 54
    radiologist.ui("thresholdSlider").value = 0.75
    radiologist.rest(0.3)
    assert radiologist.masks()[0].sum() == painted - 27


def test_the_slider_writes_into_the_label_map_that_is_there_and_the_slice_views_follow(radiologist):
    from Testing.SlicerHost.widgets import views

    exam = begin_review(radiologist, load_flair(), (5, 8, 10), (14, 20, 28))
    segment = exam.segmentation.GetSegmentation().GetSegment("MSLesion")
    before, drawn = segment.GetRepresentation("Binary labelmap"), []
    radiologist.rest(0.1)
    draw = views.RenderedView._pixels
    views.RenderedView._pixels = lambda view, *size: drawn.append(view) or draw(view, *size)
    try:
        radiologist.ui("thresholdSlider").value = 0.75
        radiologist.rest(0.1)
    finally:
        views.RenderedView._pixels = draw
    assert segment.GetRepresentation("Binary labelmap") is before
    assert radiologist.masks()[0].sum() == 27
    assert sum(isinstance(view, views.qMRMLSliceView) for view in drawn) >= 3


def test_a_label_map_that_both_segments_share_is_never_written_into(radiologist):
    exam = begin_review(radiologist, load_flair(), (5, 8, 10), (14, 20, 28))
    segmentation = exam.segmentation.GetSegmentation()
    segmentation.CollapseBinaryLabelmaps(False)
    radiologist.rest(0.3)
    maps = [segmentation.GetNthSegment(n).GetRepresentation("Binary labelmap") for n in range(2)]
    assert maps[0] is maps[1]
    radiologist.ui("thresholdSlider").value = 0.75
    radiologist.rest(0.3)
    assert [mask.sum() for mask in radiologist.masks()] == [27, 0]


def test_two_exams_keep_their_results_and_decisions_apart(radiologist):
    import slicer

    anna, berta = load_flair("Anna FLAIR"), load_flair("Berta FLAIR")
    first = begin_review(radiologist, anna, (5, 8, 10), case="Anna")
    radiologist.click("nextButton")
    radiologist.click("rejectButton")
    second = begin_review(radiologist, berta, (5, 8, 10), (14, 20, 28), case="Berta")
    assert radiologist.view.count == 2
    radiologist.workbench.exam.choose({"flair": anna.GetID()}, "Anna")
    radiologist.wait(lambda: radiologist.review.exam is not None)
    assert radiologist.view.count == 0
    assert [row.status for row in radiologist.view.rows] == ["rejected"]
    assert first.segmentation is not second.segmentation
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folders = [hierarchy.GetItemParent(hierarchy.GetItemByDataNode(each.segmentation)) for each in (first, second)]
    assert [hierarchy.GetItemName(folder) for folder in folders] == ["Anna", "Berta"]


def test_our_own_volumes_are_never_guessed_as_the_exam(radiologist):
    begin_review(radiologist, load_flair("Anna_FLAIR"), (10, 15, 20))
    radiologist.click("guessButton")
    assert radiologist.ui("flairSelector").currentNode().GetName() == "Anna_FLAIR"
    assert radiologist.ui("t1Selector").currentNode() is None


def test_deleting_a_part_of_the_result_ends_the_review_without_an_error(radiologist):
    import slicer

    exam = begin_review(radiologist, load_flair(), (10, 15, 20))
    slicer.mrmlScene.RemoveNode(exam.segmentation)
    radiologist.host.process_events()
    assert radiologist.review.exam is None
    assert not radiologist.ui("thresholdSlider").enabled


def test_closing_the_scene_while_a_lesion_blinks_leaves_no_node_behind(radiologist):
    import slicer

    begin_review(radiologist, load_flair(), (10, 15, 20))
    radiologist.click("nextButton")
    radiologist.host.close_scene()
    radiologist.rest(1.0)
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == []
    assert radiologist.review.exam is None


def test_reloading_the_module_leaves_no_observer_of_the_old_panel(radiologist):
    old = radiologist.widget
    begin_review(radiologist, load_flair(), (10, 15, 20))
    old.cleanup()
    assert old.Observations == []
    assert old.workbench.review.Observations == []
    assert not old.workbench.worker.is_running


def test_segment_without_flair_says_what_is_missing_and_starts_nothing(radiologist):
    radiologist.click("segmentButton")
    assert "FLAIR" in radiologist.ui("segmentMessage").text
    assert not radiologist.workbench.worker.is_running


def test_the_panel_fits_a_width_of_400_pixels(radiologist):
    for panel in (
        radiologist.workbench.exam,
        radiologist.workbench.segment,
        radiologist.review.panel,
        radiologist.workbench.environment,
    ):
        assert panel.widget.minimumSizeHint.width() <= 380, panel.widget.objectName


def test_importing_the_module_loads_neither_torch_nor_the_panel(host):
    code = (
        "import sys; from Testing.SlicerHost import start; host = start(); from pathlib import Path; "
        f"host.load_module(Path({str(MODULE)!r}), panel=False); "
        "sys.exit('torch' in sys.modules or 'pydantic' in sys.modules or 'MSSoftSegGUI.workbench' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(MODULE).parents[1]), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, timeout=HANGING_S, check=False)
    assert done.returncode == 0
