"""What previews and comparisons put into the scene for a while: a soft mask over FLAIR, raters' outlines. None of it is saved."""

from __future__ import annotations

import colorsys
from pathlib import Path

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from MSSoftSegGUI.scene.case_folder import ROLE_ATTRIBUTE
from MSSoftSegGUI.scene.color_tables import PROBABILITY, findColorTable
from MSSoftSegGUI.scene.exam_drawing import readNativeMatrix
from MSSoftSegGUI.scene.nodes import addHidden, removeNodes
from MSSoftSegGUI.scene.parameter_nodes import isThere
from MSSoftSegGUI.scene.same_voxels import put_on_grid
from MSSoftSegGUI.scene.segmentation_node import BINARY, makeLabelmap
from MSSoftSegGUI.scene.volume_files import read_volume
from MSSoftSegGUI.scene.volume_nodes import makeVolumeNode
from MSSoftSegLib.stepwise import Work

ROLE_SOFT, ROLE_RATER = "soft label", "rater"
LOWEST_SHOWN = 0.02
SOFT_OPACITY = 0.7
# Yellow, green, purple, red …: apart from the blue and orange of the segments that are drawn.
FIRST_HUE, HUE_STEP = 0.15, 0.29


class SoftOverlay:
    """One soft mask over FLAIR: changed in place, so that a new one takes the place of the old without a flicker."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.node = None

    def showing(self, path: Path, flairNode) -> Work[None]:
        """Read a soft mask and put it into the scene, where FLAIR lies."""
        array, matrix = read_volume(path)
        yield
        array = np.ascontiguousarray(array, np.float32)
        if not isThere(self.node) or slicer.util.arrayFromVolume(self.node).shape != array.shape:
            self.remove()
            self.node = makeVolumeNode(array, matrix, self._name, window=(0.0, 1.0))
            _make_transient(self.node, ROLE_SOFT)
            display = self.node.GetDisplayNode()
            display.SetAndObserveColorNodeID(findColorTable(PROBABILITY).GetID())
            display.SetThreshold(LOWEST_SHOWN, 1.0)
            display.ApplyThresholdOn()
        else:
            slicer.util.updateVolumeFromArray(self.node, array)
            self.node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(matrix))
        self.node.SetAndObserveTransformNodeID(flairNode.GetTransformNodeID())

    def valueAt(self, ras) -> float | None:
        """The soft label of the voxel at a place in the world (RAS mm); None outside, or where nothing is shown."""
        if not isThere(self.node):
            return None
        toWorld = vtk.vtkGeneralTransform()
        slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(None, self.node.GetParentTransformNode(), toWorld)
        local = toWorld.TransformPoint(ras)
        i, j, k = (np.linalg.solve(readNativeMatrix(self.node), [*local, 1.0])[:3]).round().astype(int)
        array = slicer.util.arrayFromVolume(self.node)
        inside = 0 <= k < array.shape[0] and 0 <= j < array.shape[1] and 0 <= i < array.shape[2]
        return float(array[k, j, i]) if inside else None

    def remove(self) -> None:
        """Take it out of the scene."""
        node, self.node = self.node, None
        removeNodes([node])


def addOutline(path: Path, name: str, number: int, flairNode) -> Work[object]:
    """One rater's mask as an outline: certain lesion in full color, possible lesion paler; number: of the color."""
    labels, matrix = read_volume(path)
    labels = put_on_grid(labels, matrix, readNativeMatrix(flairNode))
    yield
    if labels.shape != slicer.util.arrayFromVolume(flairNode).shape:
        raise ValueError(name)
    node = addHidden("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.GetSegmentation().SetSourceRepresentationName(BINARY)
    _make_transient(node, ROLE_RATER)
    hue = (FIRST_HUE + HUE_STEP * number) % 1.0
    for label, saturation in ((1, 0.9), (2, 0.4)):
        if (labels == label).any():
            segment = slicer.vtkSegment()
            segment.SetName(name)
            segment.SetColor(*colorsys.hsv_to_rgb(hue, saturation, 1.0))
            segment.AddRepresentation(BINARY, makeLabelmap(labels == label, flairNode))
            node.GetSegmentation().AddSegment(segment, f"{name}{label}")
        yield
    display = node.GetDisplayNode()
    display.SetVisibility3D(False)
    display.SetOpacity2DFill(0.0)
    display.SetOpacity2DOutline(1.0)
    display.SetSliceIntersectionThickness(2)
    node.SetAndObserveTransformNodeID(flairNode.GetTransformNodeID())
    return node


class MouseValue:
    """Tells the place under the mouse, in any slice view."""

    def __init__(self, tell) -> None:
        """tell: gets the place in RAS mm, None where the mouse is over no slice."""
        self._tell = tell
        self._crosshair = self._tag = None

    def start(self) -> None:
        """Begin, where the scene has a crosshair."""
        self.stop()
        self._crosshair = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        if self._crosshair is not None:
            event = slicer.vtkMRMLCrosshairNode.CursorPositionModifiedEvent
            self._tag = self._crosshair.AddObserver(event, self.onMoved)

    def stop(self) -> None:
        """End it."""
        if self._crosshair is not None:
            self._crosshair.RemoveObserver(self._tag)
        self._crosshair = self._tag = None

    def onMoved(self, crosshair, _event=None) -> None:
        ras = [0.0, 0.0, 0.0]
        self._tell(tuple(ras) if crosshair.GetCursorPositionRAS(ras) else None)


def hasPossible(segmentationNode, segmentId: str) -> bool:
    """Whether anything is drawn in a segment."""
    segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
    image = segment.GetRepresentation(BINARY) if segment is not None else None
    if image is None or image.IsEmpty():
        return False
    values, value = vtk_to_numpy(image.GetPointData().GetScalars()), segment.GetLabelValue()
    # The highest value is found ten times faster than a value, and mostly says enough.
    return bool(values.max() >= value and (values == value).any())


def _make_transient(node, role: str) -> None:
    node.SetAttribute(ROLE_ATTRIBUTE, role)
    node.SetSaveWithScene(False)
    for n in range(node.GetNumberOfDisplayNodes()):
        node.GetNthDisplayNode(n).SetSaveWithScene(False)
