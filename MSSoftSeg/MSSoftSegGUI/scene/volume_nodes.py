"""Volumes between the scene and arrays or files, always by the node's own IJK to RAS matrix.

Slicer is RAS, NIfTI files are written by ITK's rule (LPS in ITK's memory, RAS in the header); the signs are turned in one
place, the writer of volume_files, and nowhere here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from MSSoftSegGUI.scene.volume_files import write_volume


def readIjkToRas(volumeNode) -> np.ndarray:
    """The node's voxel indices (i, j, k, 1) to world coordinates in RAS mm, 4 × 4, with its linear parent transforms."""
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    parent = volumeNode.GetParentTransformNode()
    if parent is not None:
        toWorld = vtk.vtkMatrix4x4()
        parent.GetMatrixTransformToWorld(toWorld)
        vtk.vtkMatrix4x4.Multiply4x4(toWorld, matrix, matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def isUnderWarp(volumeNode) -> bool:
    """Whether a nonlinear transform lies over the node: its voxels are then on no grid."""
    parent = volumeNode.GetParentTransformNode()
    return parent is not None and not parent.IsTransformToWorldLinear()


def makeVolumeNode(array: np.ndarray, matrix: np.ndarray, name: str, *, window: tuple[float, float] | None = None):
    """A volume node of the array (k, j, i) on the grid of the 4 × 4 IJK to RAS matrix.

    window: the values shown as darkest and brightest, None = found by Slicer.
    """
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", slicer.mrmlScene.GenerateUniqueName(name))
    slicer.util.updateVolumeFromArray(node, array)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(matrix))
    if window is None:
        node.CreateDefaultDisplayNodes()
    else:
        # Without the search for a window, which looks at every voxel.
        display = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeDisplayNode")
        display.AutoWindowLevelOff()
        display.SetWindowLevelMinMax(*window)
        node.SetAndObserveDisplayNodeID(display.GetID())
    return node


class SceneExporter:
    """Writes what the worker reads: images and brain masks of the scene, as uncompressed NIfTI.

    reference: gives the FLAIR node, on whose voxels a segmentation is written.
    """

    def __init__(self, reference) -> None:
        self._reference = reference

    def write_volume(self, node_id: str, path: Path) -> None:  # called by presenters, which have Python's names
        """Write the voxels of a volume node where they lie in the world."""
        node = _imageNode(node_id)
        write_volume(slicer.util.arrayFromVolume(node), readIjkToRas(node), path)

    def write_mask(self, node_id: str, path: Path) -> None:
        """Write a label map, or the union of a segmentation's visible segments, as 0 and 1."""
        node = slicer.mrmlScene.GetNodeByID(node_id)
        if node is None:
            raise LookupError(node_id)
        if not node.IsA("vtkMRMLSegmentationNode"):
            node = _imageNode(node_id)
            write_volume((slicer.util.arrayFromVolume(node) > 0).astype(np.uint8), readIjkToRas(node), path)
            return
        labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "MSSoftSeg brain mask")
        try:
            slicer.modules.segmentations.logic().ExportVisibleSegmentsToLabelmapNode(node, labels, self._reference())
            write_volume((slicer.util.arrayFromVolume(labels) > 0).astype(np.uint8), readIjkToRas(labels), path)
        finally:
            slicer.mrmlScene.RemoveNode(labels)


def _imageNode(nodeId: str):
    """The volume node; LookupError where it is gone, ValueError where its voxels lie on no grid or it has none."""
    node = slicer.mrmlScene.GetNodeByID(nodeId)
    if node is None:
        raise LookupError(nodeId)
    if node.GetImageData() is None or node.GetImageData().GetNumberOfPoints() == 0:
        raise ValueError(_("it holds no voxels; its file may not have been loaded"))
    if isUnderWarp(node):
        raise ValueError(_("a nonlinear transform lies over it; harden the transform first"))
    return node
