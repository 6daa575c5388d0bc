"""Which views the reader has: contrasts beside each other, maps, planes; filled with the head, in windows that suit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from Testing.MSSoftSeg.stand_ins.made_results import SHAPE_KJI, flair_node, matrix_of

MAPS = ("MSSoftSegFLAIR", "MSSoftSegProbability", "MSSoftSegEntropy")
CONTRASTS = ("MSSoftSegFLAIR", "MSSoftSegT1", "MSSoftSegT2")


def made_exam(reader, *slots: str):
    """A result of an exam that has these contrasts beside FLAIR."""
    from MSSoftSegGUI.scene.volume_nodes import makeVolumeNode

    flair = flair_node()
    nodes = {"flair": flair.GetID()}
    for number, slot in enumerate(slots):
        # Taken in another plane than FLAIR, as T1 often is.
        angle = math.radians(10.0 + number)
        matrix = matrix_of()
        turn = np.eye(4)
        turn[1:3, 1:3] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        voxels = np.random.default_rng(number).normal(100, 10, SHAPE_KJI).astype(np.float32)
        nodes[slot] = makeVolumeNode(voxels, turn @ matrix, slot.upper()).GetID()
    reader.workbench.exam.choose(nodes, "Anna")
    reader.click("segmentButton")
    reader.wait(lambda: reader.workbench.runner.view.phase in ("running", "failed"))
    reader.worker.finish()
    reader.wait(lambda: reader.review.exam is not None)
    return reader.review.exam


def shown_layers() -> dict[str, tuple]:
    import slicer

    return {
        node.GetLayoutName(): (node.GetBackgroundVolumeID(), node.GetForegroundVolumeID())
        for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    }


def slice_node(tag: str):
    import slicer

    return slicer.mrmlScene.GetSingletonNode(tag, "vtkMRMLSliceNode")


def offered(reader) -> list[str]:
    combo = reader.ui("layoutCombo")
    return [combo.itemText(n) for n in range(combo.count)]


def test_t1_and_t2_stand_beside_flair_in_flairs_plane_and_move_with_it(reader):
    import slicer

    exam = made_exam(reader, "t1", "t2")
    reader.choose_layout("contrasts")
    reader.rest(0.3)
    layers = shown_layers()
    expected = [(exam.flair.GetID(), exam.probability.GetID()), (exam.t1.GetID(), None), (exam.t2.GetID(), None)]
    assert [layers[tag] for tag in CONTRASTS] == expected
    planes = [slicer.util.arrayFromVTKMatrix(slice_node(tag).GetSliceToRAS())[:3, :3] for tag in CONTRASTS]
    assert all(np.allclose(plane, planes[0], atol=1e-6) for plane in planes)
    assert abs(planes[0][2, 2]) == pytest.approx(1.0), "FLAIR's plane, not T1's"
    reader.click_row(0)
    assert len({round(slice_node(tag).GetSliceOffset(), 6) for tag in CONTRASTS}) == 1
    composites = [
        each
        for each in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        if each.GetLayoutName() in CONTRASTS and each.GetLinkedControl() and each.GetHotLinkedControl()
    ]
    assert len(composites) == 3


def test_maps_stand_beside_flair_and_the_bare_image_stays_bare(reader):
    exam = made_exam(reader, "t1", "t2")
    reader.choose_layout("contrasts")
    reader.choose_layout("maps")
    reader.rest(0.3)
    flair = exam.flair.GetID()
    expected = (None, exam.probability.GetID(), exam.entropy.GetID())
    assert [shown_layers()[tag] for tag in MAPS] == [(flair, each) for each in expected]
    reader.click_row(0)
    assert len({slice_node(tag).GetSliceOffset() for tag in MAPS}) == 1


@pytest.mark.parametrize(("slots", "text"), [(("t1",), "FLAIR · T1"), (("t2",), "FLAIR · T2"), ((), None)])
def test_only_contrasts_that_are_there_are_offered(reader, slots, text):
    made_exam(reader, *slots)
    expected = ["Three planes", *([text] if text else []), "FLAIR · probability · entropy", "As laid out in Slicer"]
    assert offered(reader) == expected


def test_the_empty_3d_quarter_gives_way_until_surfaces_are_asked_for(reader):
    import slicer

    manager = slicer.app.layoutManager()
    four_up = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
    assert manager.layout == four_up
    made_exam(reader, "t1", "t2")
    assert manager.layout == 3704
    reader.click("surfaceButton")
    assert manager.layout == four_up
    reader.choose_layout("contrasts")
    assert not reader.ui("surfaceButton").checked
    assert manager.layout == 3705
    reader.click("surfaceButton")
    assert (manager.layout, reader.ui("layoutCombo").currentData) == (four_up, "planes")
    reader.click("surfaceButton")
    assert manager.layout == 3704
    reader.choose_layout("own")
    assert manager.layout == four_up


def test_a_layout_that_the_user_laid_out_is_left_to_her(reader):
    import slicer

    manager = slicer.app.layoutManager()
    conventional = slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView
    manager.setLayout(conventional)
    try:
        made_exam(reader)
        assert manager.layout == conventional
        assert reader.ui("layoutCombo").currentData == "own"
    finally:
        manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)


def test_a_scene_that_is_opened_again_has_the_layout_that_it_was_saved_with(reader, tmp_path):
    import slicer

    made_exam(reader, "t1", "t2")
    reader.choose_layout("contrasts")
    path = str(tmp_path / "visit.mrb")
    assert slicer.util.saveScene(path)
    reader.host.close_scene()
    reader.wait(lambda: slicer.app.layoutManager().layout != 3705)
    slicer.util.loadScene(path)
    reader.wait(lambda: reader.review.exam is not None)
    assert slicer.app.layoutManager().layout == 3705
    assert reader.ui("layoutCombo").currentData == "contrasts"


def test_each_contrast_has_a_window_of_its_own_until_the_reader_chooses_one(reader):
    exam = made_exam(reader, "t1")
    display = exam.t1.GetDisplayNode()
    assert not display.GetAutoWindowLevel()
    chosen = (display.GetWindowLevelMin(), display.GetWindowLevelMax())
    display.SetWindowLevelMinMax(0.0, 1000.0)
    exam_flair = exam.flair
    reader.choose(flair_node("another", (-25.0, -15.0, -10.0)), "Bert")
    reader.workbench.exam.choose({"flair": exam_flair.GetID(), "t1": exam.t1.GetID()}, "Anna")
    reader.wait(lambda: reader.review.exam is not None)
    assert display.GetWindowLevelMax() == 1000.0
    reader.click("windowsButton")
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == pytest.approx(chosen)


@pytest.mark.parametrize("contrast", ["flair", "t1", "t2"])
def test_a_window_shows_brain_and_leaves_lesions_their_gray_whatever_lies_around(host, contrast):
    from MSSoftSegGUI.scene.contrast_windows import choose_window

    rng = np.random.default_rng(3)
    image = np.abs(rng.normal(0, 3, (60, 60, 60)))
    brain = rng.normal(300, 20, (40, 40, 40))
    # Lesions are some hundredths of the brain and brighter than all of it.
    brain[:8, :8, :8] = rng.normal(450, 10, (8, 8, 8))
    image[10:50, 10:50, 10:50] = brain
    low, high = choose_window(contrast, image)
    assert 3 * 3 < low < 300
    assert high > 330
    if contrast == "flair":
        assert high > np.percentile(brain[:8, :8, :8], 70)
    scaled = choose_window(contrast, 7.0 * image)
    assert scaled == pytest.approx((7 * low, 7 * high))
    flat_low, flat_high = choose_window(contrast, np.full((4, 4, 4), 5.0))
    assert flat_low < flat_high


def test_a_view_holds_the_head_and_nearly_nothing_else(host):
    from MSSoftSegGUI.scene.head_fit import MARGIN, compute_field_of_view

    corners = np.array(np.meshgrid([0, 100.0], [-80, 80.0], [10, 60.0], indexing="ij")).reshape(3, 8).T
    wide, high = compute_field_of_view(corners, np.eye(4), (400, 200))
    assert wide / high == pytest.approx(2.0), "voxels stay square"
    assert high == pytest.approx(160 * (1 + 2 * MARGIN)), "the head touches top and bottom"
    wide, high = compute_field_of_view(corners, np.eye(4), (200, 900))
    assert wide == pytest.approx(100 * (1 + 2 * MARGIN))


def test_the_views_are_filled_with_the_head_of_an_image_that_is_mostly_air(reader):
    from MSSoftSegGUI.scene.slice_views import showAlone
    from MSSoftSegGUI.scene.volume_nodes import makeVolumeNode

    voxels = np.zeros((50, 60, 70), np.float32)
    voxels[20:30, 25:35, 10:30] = 100.0
    node = makeVolumeNode(voxels, np.eye(4), "small head")
    showAlone(node)
    red = slice_node("Red")
    width, height = red.GetFieldOfView()[:2]
    assert min(width / 20, height / 10) == pytest.approx(1.08, abs=0.1)
    middle = np.array(red.GetSliceToRAS().MultiplyPoint((0, 0, 0, 1))[:3])
    assert middle == pytest.approx([19.5, 29.5, 24.5], abs=1.0)
