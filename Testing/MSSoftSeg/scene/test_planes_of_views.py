"""Slice views lie in the plane of the image that they show: of the second exam too, and of every view for comparing."""

from __future__ import annotations

import math

import numpy as np

from Testing.MSSoftSeg.stand_ins.made_results import SHAPE_KJI, flair_node

COMPARED = ("MSSoftSegFLAIR", "MSSoftSegProbability", "MSSoftSegEntropy")


def tilted_flair(degrees: float):
    """FLAIR whose slices lie tilted about the left-right axis."""
    from MSSoftSegGUI.scene.volume_nodes import makeVolumeNode

    angle = math.radians(degrees)
    matrix = np.eye(4)
    matrix[1:3, 1:3] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    matrix[:3, :3] *= (1.0, 1.0, 3.0)
    return makeVolumeNode(np.ones(SHAPE_KJI, np.float32), matrix, f"FLAIR {degrees}")


def degrees_off(view: str, volume) -> float:
    """Angle between the normal of a view and that of the planes in which the image was taken."""
    import slicer

    (node,) = (each for each in slicer.util.getNodesByClass("vtkMRMLSliceNode") if each.GetLayoutName() == view)
    matrix = slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS())
    placed = slicer.util.vtkMatrixFromArray(np.eye(4))
    volume.GetIJKToRASMatrix(placed)
    across = slicer.util.arrayFromVTKMatrix(placed)[:3, 2]
    return math.degrees(math.acos(min(1.0, abs(float(matrix[:3, 2] @ across)) / np.linalg.norm(across))))


def test_the_second_exam_is_shown_in_its_own_plane(reader):
    first, second = tilted_flair(0.0), tilted_flair(12.8)
    reader.segment_made(first, "Anna")
    assert degrees_off("Red", first) < 0.1
    reader.choose(second, "Bert")
    reader.host.process_events()
    assert degrees_off("Red", second) < 0.1


def test_the_views_for_comparing_lie_in_the_images_plane(reader):
    flair = tilted_flair(5.0)
    exam = reader.segment_made(flair)
    reader.choose_layout("maps")
    reader.rest(0.3)
    assert [degrees_off(view, exam.flair) < 0.1 for view in COMPARED] == [True, True, True]


def test_views_side_by_side_lie_in_the_images_plane(reader):
    from MSSoftSegGUI.scene.layouts import SIDE_VIEWS
    from MSSoftSegGUI.scene.side_by_side import SideBySide, SideView

    flair = tilted_flair(7.0)
    comparison = SideBySide()
    comparison.show(flair, (SideView("one"), SideView("two")), 0.5)
    reader.host.process_events()
    assert [degrees_off(view, flair) < 0.1 for view in SIDE_VIEWS[:2]] == [True, True]
    comparison.hide()


def test_an_image_that_slicer_loads_turns_the_views_on_this_host_too(reader, tmp_path):
    import slicer
    from MSSoftSegGUI.scene.volume_nodes import SceneExporter

    tilted = tilted_flair(9.0)
    SceneExporter(reference=lambda: None).write_volume(tilted.GetID(), tmp_path / "FLAIR.nii.gz")
    slicer.mrmlScene.RemoveNode(tilted)
    loaded = slicer.util.loadVolume(str(tmp_path / "FLAIR.nii.gz"))
    assert degrees_off("Red", loaded) < 0.1


def test_an_exam_with_straight_planes_stays_straight(reader):
    flair = flair_node()
    reader.segment_made(flair)
    assert degrees_off("Red", flair) < 0.1
