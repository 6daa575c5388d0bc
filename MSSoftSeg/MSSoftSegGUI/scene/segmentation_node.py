"""The segmentation of a result: two segments, each a label map of its own on all of the result's voxels.

A layer of its own and a fixed extent are what makes the threshold slider live: the voxels that changed are written in place.
"""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from MSSoftSegGUI.scene.segments import SEGMENTS

BINARY, SURFACE = "Binary labelmap", "Closed surface"
OUTLINE_OPACITY, FILL_OPACITY = 1.0, 0.0


def makeSegmentationNode(labels: np.ndarray, gridNode, name: str):
    """A segmentation on the voxels of the result from labels (k, j, i): 1 = MS lesion, 2 = possible MS lesion."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", slicer.mrmlScene.GenerateUniqueName(name))
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(gridNode)
    node.GetSegmentation().SetSourceRepresentationName(BINARY)
    for spec in SEGMENTS:
        _addSegment(node, spec, labels == spec.label, gridNode)
    display = node.GetDisplayNode()
    display.SetOpacity2DOutline(OUTLINE_OPACITY)
    display.SetOpacity2DFill(FILL_OPACITY)
    display.SetSliceIntersectionThickness(2)
    return node


def addMissingSegments(node, gridNode) -> None:
    """Put back, empty, what was removed of the two segments."""
    for spec in SEGMENTS:
        if node.GetSegmentation().GetSegment(spec.id) is None:
            _addSegment(node, spec, np.zeros(_shape(gridNode), bool), gridNode)


def writeLabels(node, labels: np.ndarray, gridNode, changed: np.ndarray | None = None) -> None:
    """Make the segments equal the labels (k, j, i); changed: flat indices of the only voxels in which they may differ."""
    place = slice(None) if changed is None else changed
    values = labels.reshape(-1)[place]
    for spec in SEGMENTS:
        segment = node.GetSegmentation().GetSegment(spec.id)
        if segment is None:
            continue
        image = segment.GetRepresentation(BINARY)
        if _isWhole(node, segment, image, gridNode):
            if not _writeInPlace(image, values == spec.label, place):
                continue
        else:
            # The Segment Editor crops label maps, and may put both segments into one.
            segment.RemoveAllRepresentations("")
            segment.SetLabelValue(1)
            segment.AddRepresentation(BINARY, makeLabelmap(labels == spec.label, gridNode))
        # Views draw anew for this; what the label map itself says reaches only those who convert it.
        segment.Modified()


def readMasks(node, gridNode) -> tuple[np.ndarray, np.ndarray]:
    """The two segments as they are now, boolean (k, j, i) on the voxels of the result; empty for one that was removed."""
    return tuple(_readMask(node, spec.id, gridNode) for spec in SEGMENTS)


def showSurface(node, shown: bool) -> None:
    """Show the segments in 3D views, made anew; while hidden there is no surface that every change would have to make."""
    node.RemoveClosedSurfaceRepresentation()
    if shown:
        node.CreateClosedSurfaceRepresentation()
    node.GetDisplayNode().SetVisibility3D(shown)


def _addSegment(node, spec, inside: np.ndarray, gridNode) -> None:
    segment = slicer.vtkSegment()
    segment.SetName(spec.name)
    segment.SetColor(*spec.color)
    segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), spec.terminology)
    segment.AddRepresentation(BINARY, makeLabelmap(inside, gridNode))
    node.GetSegmentation().AddSegment(segment, spec.id)


def _readMask(node, segmentId: str, gridNode) -> np.ndarray:
    segment = node.GetSegmentation().GetSegment(segmentId)
    image = segment.GetRepresentation(BINARY) if segment is not None else None
    whole = np.zeros(_shape(gridNode), bool)
    if image is None or image.IsEmpty():
        return whole
    if not _sameVoxels(image, gridNode):
        return slicer.util.arrayFromSegmentBinaryLabelmap(node, segmentId, gridNode) > 0
    shift = _shift(image, gridNode)
    extent = image.GetExtent()
    inside = _array(image) == segment.GetLabelValue()
    target, source = [], []
    for axis in (2, 1, 0):
        first, last = extent[2 * axis] + shift[axis], extent[2 * axis + 1] + shift[axis]
        low, high = max(first, 0), min(last + 1, whole.shape[2 - axis])
        target.append(slice(low, max(low, high)))
        source.append(slice(low - first, max(low, high) - first))
    whole[tuple(target)] = inside[tuple(source)]
    return whole


def _writeInPlace(image, inside: np.ndarray, place) -> bool:
    """Write the voxels at a place of the flat array; whether any of them differed."""
    voxels = _array(image).reshape(-1)
    if np.array_equal(voxels[place], inside):
        return False
    voxels[place] = inside
    image.GetPointData().GetScalars().Modified()
    image.Modified()
    return True


def _isWhole(node, segment, image, gridNode) -> bool:
    """Whether the label map is the segment's own and holds every voxel of the result."""
    if image is None or segment.GetLabelValue() != 1 or image.GetScalarType() != vtk.VTK_UNSIGNED_CHAR:
        return False
    i, j, k = gridNode.GetImageData().GetDimensions()
    if image.GetExtent() != (0, i - 1, 0, j - 1, 0, k - 1):
        return False
    return _sameVoxels(image, gridNode) and _isItsOwn(node, image)


def _isItsOwn(node, image) -> bool:
    """Whether no second segment lies in this label map; IsSharedBinaryLabelmap answers the other way round in Slicer."""
    segmentation = node.GetSegmentation()
    segments = (segmentation.GetNthSegment(n) for n in range(segmentation.GetNumberOfSegments()))
    return sum(segment.GetRepresentation(BINARY) is image for segment in segments) == 1


def makeLabelmap(inside: np.ndarray, gridNode):
    """A label map of 0 and 1 on the voxels of the node."""
    image = slicer.vtkOrientedImageData()
    image.SetDimensions(gridNode.GetImageData().GetDimensions())
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    image.SetImageToWorldMatrix(_matrix(gridNode))
    _array(image)[:] = inside
    return image


def _matrix(gridNode):
    matrix = vtk.vtkMatrix4x4()
    gridNode.GetIJKToRASMatrix(matrix)
    return matrix


def _sameVoxels(image, gridNode) -> bool:
    """Whether the image's voxels are the result's, up to an offset by whole voxels."""
    fromImage = _worldArray(image)
    step = np.linalg.solve(slicer.util.arrayFromVTKMatrix(_matrix(gridNode)), fromImage)
    offset = step[:3, 3]
    return bool(np.allclose(step[:3, :3], np.eye(3), atol=1e-3) and np.allclose(offset, offset.round(), atol=1e-2))


def _shift(image, gridNode) -> tuple[int, int, int]:
    """What to add to the image's indices (i, j, k) for the result's."""
    step = np.linalg.solve(slicer.util.arrayFromVTKMatrix(_matrix(gridNode)), _worldArray(image))
    return tuple(int(each) for each in step[:3, 3].round())


def _worldArray(image) -> np.ndarray:
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def _shape(gridNode) -> tuple[int, int, int]:
    return tuple(reversed(gridNode.GetImageData().GetDimensions()))


def _array(image) -> np.ndarray:
    i, j, k = image.GetDimensions()
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(k, j, i)
