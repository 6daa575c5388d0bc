"""What the views show: layers, the layout for comparing, where they look, and a lesion that blinks."""

from __future__ import annotations

import math

import numpy as np
import qt
import slicer
import vtk
from scipy import ndimage

from MSSoftSegGUI.scene.head_fit import fillWithHead
from MSSoftSegGUI.scene.layouts import LINKED_VIEWS, isOurs, registerLayouts
from MSSoftSegGUI.scene.nodes import addHidden
from MSSoftSegGUI.scene.segmentation_node import BINARY

BLINKS, BLINK_MS = 3, 220
# A lesion closer to a view's edge than this share of it is brought into the middle.
VIEW_MARGIN = 0.25
# The ring runs this far outside the lesion, so that a lesion of a few voxels catches the eye and stays uncovered.
RING_MM = 4.0


class Views:
    """The layout and the layers of the slice views. The layout that the user had comes back when neither is wanted."""

    def __init__(self) -> None:
        self._before = None

    def choose(self, wanted: int | None) -> bool:
        """Show a layout by its number, None for what the user had before; whether that was a change."""
        manager = slicer.app.layoutManager()
        if manager is None:
            return False
        before = manager.layout
        registerLayouts()
        if wanted is None:
            # A scene that was saved while it compared comes back in that layout, with nothing to go back to.
            if self._before is not None or isOurs(before):
                manager.setLayout(
                    slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView if self._before is None else self._before
                )
                self._before = None
        elif before != wanted:
            if self._before is None and not isOurs(before):
                self._before = before
            manager.setLayout(wanted)
        return manager.layout != before

    def setLayers(self, flairNode, overlayNode, opacity: float) -> None:
        """FLAIR behind and the overlay in front in every view that has no layers of its own."""
        for compositeNode in findCompositeNodes():
            if compositeNode.GetLayoutName() not in LINKED_VIEWS:
                _setComposite(compositeNode, flairNode, overlayNode, opacity)

    def setLinkedLayers(self, layers: dict, opacity: float) -> None:
        """Layers of linked views by their tag: the image behind, and the overlay in front or None; they move together."""
        ours = [node for node in findCompositeNodes() if node.GetLayoutName() in LINKED_VIEWS]
        for compositeNode in ours:
            # Linked views would copy the layers of the first to all.
            compositeNode.SetLinkedControl(False)
        for compositeNode in ours:
            _setComposite(compositeNode, *layers.get(compositeNode.GetLayoutName(), (None, None)), opacity)
        for compositeNode in ours:
            compositeNode.SetHotLinkedControl(True)
            compositeNode.SetLinkedControl(True)

    def fit(self, flairNode) -> None:
        """Show the head in every slice view, in FLAIR's plane, and all surfaces in 3D views."""
        showHead(flairNode)
        if slicer.app.layoutManager() is not None:
            slicer.util.resetThreeDViews()


def showHead(flairNode) -> None:
    """The head in every slice view, in the plane of this image: its other contrasts lie over it there."""
    for sliceNode in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        sliceNode.RotateToVolumePlane(flairNode)
    # Where the slices are, and how thick.
    fitViews()
    fillWithHead(flairNode)


def turnToImages() -> None:
    """Turn every slice view into the plane of the image that it shows, as Slicer does on loading and never after.

    Across the planes of an oblique image with thick slices a view shows stairs.
    """
    sliceNodes = {node.GetLayoutName(): node for node in slicer.util.getNodesByClass("vtkMRMLSliceNode")}
    for composite in findCompositeNodes():
        shown = slicer.mrmlScene.GetNodeByID(composite.GetBackgroundVolumeID() or "")
        sliceNode = sliceNodes.get(composite.GetLayoutName())
        if shown is not None and sliceNode is not None:
            sliceNode.RotateToVolumePlane(shown)


def fitViews() -> None:
    """Show the whole of the images in every slice view; nothing without a main window, as in Slicer's generic tests."""
    if slicer.app.layoutManager() is not None:
        slicer.util.resetSliceViews()


def showAlone(volumeNode) -> None:
    """An image in every slice view, whole, in its own plane and with nothing over it."""
    slicer.util.setSliceViewerLayers(background=volumeNode, foreground=None)
    showHead(volumeNode)


def _setComposite(compositeNode, flairNode, overlayNode, opacity: float) -> None:
    compositeNode.SetBackgroundVolumeID(flairNode.GetID() if flairNode else None)
    compositeNode.SetForegroundVolumeID(overlayNode.GetID() if overlayNode else None)
    compositeNode.SetForegroundOpacity(opacity if overlayNode else 0.0)
    compositeNode.SetLabelVolumeID(None)


def findCompositeNodes() -> list:
    """The layer nodes of every slice view."""
    return slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")


def jumpTo(ras: tuple[float, float, float]) -> None:
    """Bring a point into every slice view; a view that shows the place already is not shifted."""
    for sliceNode in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        if _isInView(sliceNode, ras):
            sliceNode.JumpSliceByOffsetting(*ras)
        else:
            sliceNode.JumpSliceByCentering(*ras)


def _isInView(sliceNode, ras) -> bool:
    """Whether the point, in front of or behind the slice, falls well inside the view."""
    toView = vtk.vtkMatrix4x4()
    vtk.vtkMatrix4x4.Invert(sliceNode.GetXYToRAS(), toView)
    place = toView.MultiplyPoint((*ras, 1.0))
    size = sliceNode.GetDimensions()
    return all(VIEW_MARGIN * size[axis] <= place[axis] <= (1 - VIEW_MARGIN) * size[axis] for axis in (0, 1))


class Blinker:
    """A white ring around one lesion: blinks three times and then stays. It is a segmentation that is never saved."""

    def __init__(self) -> None:
        self._node = None
        self._left = 0
        self._timer = qt.QTimer()
        self._timer.setInterval(BLINK_MS)
        self._timer.connect("timeout()", self.onTimeout)

    def blink(self, offset, inside: np.ndarray, gridNode) -> None:
        """Ring the voxels (k, j, i) that start at the offset (k, j, i) on the node's grid."""
        self.stop()
        self._node = addHidden("vtkMRMLSegmentationNode", "MSSoftSeg blink")
        self._node.SetSaveWithScene(False)
        self._node.CreateDefaultDisplayNodes()
        segment = slicer.vtkSegment()
        segment.SetName("blink")
        segment.SetColor(1.0, 1.0, 1.0)
        segment.AddRepresentation(BINARY, _boxImage(*_withMargin(offset, inside, gridNode.GetSpacing()), gridNode))
        self._node.GetSegmentation().SetSourceRepresentationName(BINARY)
        self._node.GetSegmentation().AddSegment(segment, "blink")
        self._node.SetAndObserveTransformNodeID(gridNode.GetTransformNodeID())
        display = self._node.GetDisplayNode()
        display.SetSaveWithScene(False)
        display.SetVisibility3D(False)
        display.SetOpacity2DFill(0.0)
        display.SetSliceIntersectionThickness(2)
        self._left = 2 * BLINKS
        self._timer.start()

    def stop(self) -> None:
        """End it at once and leave nothing behind."""
        self._timer.stop()
        node, self._node = self._node, None
        if node is not None and slicer.mrmlScene.IsNodePresent(node):
            slicer.mrmlScene.RemoveNode(node.GetDisplayNode())
            slicer.mrmlScene.RemoveNode(node)

    def onTimeout(self) -> None:
        self._left -= 1
        if self._node is None or self._node.GetDisplayNode() is None:
            self.stop()
            return
        self._node.GetDisplayNode().SetVisibility(self._left % 2 == 0)
        if self._left <= 0:
            self._timer.stop()


def _withMargin(offset, inside: np.ndarray, spacing) -> tuple[tuple[int, ...], np.ndarray]:
    """The box with all voxels that are no further than RING_MM from its own; spacing: along (i, j, k), mm."""
    spacing = tuple(reversed(spacing))
    margin = [math.ceil(RING_MM / mm) for mm in spacing]
    padded = np.pad(inside, [(each, each) for each in margin])
    near = ndimage.distance_transform_edt(~padded, sampling=spacing) <= RING_MM
    return tuple(int(first) - each for first, each in zip(offset, margin, strict=True)), near


def _boxImage(offset, inside: np.ndarray, flairNode):
    """An oriented image of a box of FLAIR's voxels, as part of FLAIR's index space."""
    from vtk.util.numpy_support import vtk_to_numpy

    k, j, i = (int(each) for each in offset)
    depth, height, width = inside.shape
    image = slicer.vtkOrientedImageData()
    image.SetExtent(i, i + width - 1, j, j + height - 1, k, k + depth - 1)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    matrix = vtk.vtkMatrix4x4()
    flairNode.GetIJKToRASMatrix(matrix)
    image.SetImageToWorldMatrix(matrix)
    vtk_to_numpy(image.GetPointData().GetScalars()).reshape(inside.shape)[:] = inside
    return image
