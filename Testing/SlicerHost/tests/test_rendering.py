"""Pictures are real slices: the patient's left is on the screen's right, outlines and overlays are to be seen."""

from __future__ import annotations

import numpy as np
import pytest

LESION_LEFT_RAS = (-24.0, 10.0, 6.0)
SIZE = (300, 300)


def ras_grid(matrix, shape):
    kji = np.indices(shape).reshape(3, -1)
    return (matrix[:3, :3] @ kji[::-1] + matrix[:3, 3:]).reshape(3, *shape)


def matrix_of(kind):
    turn = np.deg2rad(20)
    oblique = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    directions = {
        "RAS": np.eye(3),
        "LPS": np.diag([-1.0, -1.0, 1.0]),
        "flipped": np.diag([1.0, -1.0, -1.0]),
        "oblique": np.diag([-1.0, -1.0, 1.0]) @ oblique,
    }[kind]
    matrix = np.eye(4)
    matrix[:3, :3] = directions @ np.diag([1.0, 1.5, 3.0])
    center_ijk = np.array([40, 30, 15])
    matrix[:3, 3] = -matrix[:3, :3] @ center_ijk
    return matrix


@pytest.fixture(params=["RAS", "LPS", "flipped", "oblique"])
def lesion_on_the_left(request, slicer):
    """A brain (an ellipsoid) and a segmentation with one lesion, painted at LESION_LEFT_RAS in patient coordinates."""
    matrix = matrix_of(request.param)
    shape = (30, 60, 80)
    ras = ras_grid(matrix, shape)
    brain = np.where(sum((axis / radius) ** 2 for axis, radius in zip(ras, (35, 40, 40), strict=True)) < 1, 100.0, 0.0)
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "flair")
    volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(matrix))
    slicer.util.updateVolumeFromArray(volume, brain.astype(np.float32))
    volume.CreateDefaultDisplayNodes()
    volume.GetDisplayNode().SetAutoWindowLevel(False)
    volume.GetDisplayNode().SetWindowLevel(200, 100)
    lesion = np.linalg.norm(ras - np.array(LESION_LEFT_RAS)[:, None, None, None], axis=0) < 7
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "lesions")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    node.GetSegmentation().AddEmptySegment("lesion", "lesion", (1.0, 0.0, 0.0))
    slicer.util.updateSegmentBinaryLabelmapFromArray(lesion.astype(np.uint8), node, "lesion", volume)
    node.GetDisplayNode().SetOpacity2DFill(0.5)
    slicer.util.setSliceViewerLayers(background=volume, foreground=None, label=None, fit=True)
    for view in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        view.JumpSliceByOffsetting(*LESION_LEFT_RAS)
    return volume, node


def reddish(pixels):
    return (pixels[..., 0].astype(int) - pixels[..., 1] > 40) & (pixels[..., 0].astype(int) - pixels[..., 2] > 40)


def test_a_lesion_on_the_patients_left_is_on_the_screens_right_in_axial_view(lesion_on_the_left):
    from Testing.SlicerHost import rendering

    pixels = rendering.view_pixels("Red", SIZE)
    rows, columns = np.nonzero(reddish(pixels))
    assert len(columns) > 50
    assert columns.min() > SIZE[0] / 2
    # Anterior is up.
    assert rows.mean() < SIZE[1] / 2


def test_a_lesion_on_the_patients_left_is_on_the_screens_right_in_coronal_view(lesion_on_the_left):
    from Testing.SlicerHost import rendering

    rows, columns = np.nonzero(reddish(rendering.view_pixels("Green", SIZE)))
    assert len(columns) > 50
    assert columns.min() > SIZE[0] / 2
    assert rows.mean() < SIZE[1] / 2


def test_the_picture_shows_the_lesion_where_its_coordinates_are(lesion_on_the_left):
    from Testing.SlicerHost import rendering

    for view in ("Red", "Green", "Yellow"):
        rows, columns = np.nonzero(reddish(rendering.view_pixels(view, SIZE)))
        row, column = rendering.screen_position(view, LESION_LEFT_RAS, SIZE)
        assert abs(rows.mean() - row) < 6, view
        assert abs(columns.mean() - column) < 6, view


def test_an_outline_alone_is_a_ring_around_an_untouched_inside(lesion_on_the_left):
    from Testing.SlicerHost import rendering

    _, node = lesion_on_the_left
    node.GetDisplayNode().SetOpacity2DFill(0.0)
    node.GetDisplayNode().SetOpacity2DOutline(1.0)
    pixels = rendering.view_pixels("Red", SIZE)
    row, column = rendering.screen_position("Red", LESION_LEFT_RAS, SIZE)
    assert not reddish(pixels)[row, column]
    assert reddish(pixels)[row, column:].any()
    assert reddish(pixels)[row, :column].any()
    assert reddish(pixels)[:row, column].any()
    assert reddish(pixels)[row:, column].any()


def test_a_hidden_segment_is_not_drawn(lesion_on_the_left):
    from Testing.SlicerHost import rendering

    lesion_on_the_left[1].GetDisplayNode().SetSegmentVisibility("lesion", False)
    assert not reddish(rendering.view_pixels("Red", SIZE)).any()


def test_an_overlay_colors_only_what_is_above_its_lower_threshold(slicer, lesion_on_the_left):
    from Testing.SlicerHost import rendering

    volume, node = lesion_on_the_left
    node.GetDisplayNode().SetVisibility(False)
    overlay = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "probability")
    matrix = slicer.util.arrayFromVTKMatrix(_matrix(volume))
    ras = ras_grid(matrix, slicer.util.arrayFromVolume(volume).shape)
    near = np.linalg.norm(ras - np.array(LESION_LEFT_RAS)[:, None, None, None], axis=0) < 7
    overlay.SetIJKToRASMatrix(_matrix(volume))
    slicer.util.updateVolumeFromArray(overlay, np.where(near, 0.9, 0.01).astype(np.float32))
    overlay.CreateDefaultDisplayNodes()
    display = overlay.GetDisplayNode()
    display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeRed")
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(0, 1)
    display.SetThreshold(0.05, 1.0)
    display.SetApplyThreshold(True)
    slicer.util.setSliceViewerLayers(foreground=overlay, foregroundOpacity=1.0)
    colored = reddish(rendering.view_pixels("Red", SIZE))
    row, column = rendering.screen_position("Red", LESION_LEFT_RAS, SIZE)
    assert colored[row, column]
    assert 50 < colored.sum() < 0.05 * colored.size


def _matrix(volume):
    import vtk

    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return matrix


def test_the_composed_picture_has_all_four_views(slicer, lesion_on_the_left, tmp_path):
    from PySide6 import QtGui

    from Testing.SlicerHost import rendering

    rendering.save_views(tmp_path / "views.png", (640, 480))
    image = QtGui.QImage(str(tmp_path / "views.png"))
    assert (image.width(), image.height()) == (640, 480)
    colors = {image.pixelColor(x, y).name() for x, y in ((100, 8), (420, 8), (100, 250), (420, 250))}
    assert len(colors) == 4


def test_a_view_that_does_not_exist_is_named_in_the_error(host):
    from Testing.SlicerHost import rendering

    with pytest.raises(KeyError, match="Purple"):
        rendering.view_pixels("Purple")
