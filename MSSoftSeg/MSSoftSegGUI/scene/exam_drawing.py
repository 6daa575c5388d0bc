"""What is drawn on an exam, whether a model drew first or nobody did: read from the scene, and opened for the brush."""

from __future__ import annotations

import hashlib

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from MSSoftSegGUI.scene.case_folder import ROLE_SEGMENTATION, makeFolder, putInto
from MSSoftSegGUI.scene.nodes import hideNodes
from MSSoftSegGUI.scene.parameter_nodes import isThere
from MSSoftSegGUI.scene.same_voxels import put_on_grid
from MSSoftSegGUI.scene.segmentation_node import addMissingSegments, makeSegmentationNode, readMasks
from MSSoftSegGUI.scene.segments import make_label_map
from MSSoftSegLib.exam.label_values import LESION, POSSIBLE_LESION


def hasDrawing(exam) -> bool:
    """Whether the exam has a segmentation, be it empty."""
    return exam is not None and isThere(exam.flair, exam.segmentation)


def isFromModel(exam) -> bool:
    """Whether the review of a model's result is what is drawn on."""
    return bool(exam.lesionFacts) and isThere(exam.probability)


def readNativeMatrix(volumeNode) -> np.ndarray:
    """The node's own 4 × 4 matrix from voxel (i, j, k) to RAS mm, without the transforms over it."""
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def readDrawing(exam, grid: np.ndarray | None = None) -> np.ndarray:
    """The drawing, uint8 (k, j, i) on FLAIR's voxels: 1 = MS lesion, 2 = possible; ValueError where it lies on others.

    grid: the same voxels in another order, by which a library keeps them.
    """
    gridNode = exam.probability if isFromModel(exam) else exam.flair
    labels = make_label_map(*readMasks(exam.segmentation, gridNode))
    if labels.shape != slicer.util.arrayFromVolume(exam.flair).shape:
        raise ValueError(_("the segmentation does not lie on the voxels of this FLAIR image"))
    return labels if grid is None else put_on_grid(labels, readNativeMatrix(exam.flair), grid)


def computeDigest(labels: np.ndarray) -> str:
    """What tells two drawings apart; an empty one has a digest too."""
    found = hashlib.sha256(str(labels.shape).encode())
    for label in (LESION, POSSIBLE_LESION):
        found.update(np.packbits(labels == label).tobytes())
    return found.hexdigest()


def makeDrawing(exam, labels: np.ndarray | None = None) -> None:
    """Give the exam a segmentation of these labels (k, j, i), or an empty one, on FLAIR's own voxels."""
    flair = exam.flair
    if labels is None:
        labels = np.zeros(slicer.util.arrayFromVolume(flair).shape, np.uint8)
    node = makeSegmentationNode(labels, flair, _("{case} lesions").format(case=exam.caseName))
    node.SetAndObserveTransformNodeID(flair.GetTransformNodeID())
    putInto(makeFolder(exam.caseName, flair), node, ROLE_SEGMENTATION)
    exam.segmentation = node


class HandDrawing:
    """The drawing of an exam without a model's result, under the brush. edit: the panel that edits segmentations."""

    def __init__(self, edit) -> None:
        self._edit = edit
        self._exam = None

    def open(self, exam) -> None:
        """Draw on this exam."""
        self.close()
        self._exam = exam
        addMissingSegments(exam.segmentation, exam.flair)
        exam.segmentation.CreateDefaultDisplayNodes()
        exam.segmentation.SetDisplayVisibility(True)
        exam.segmentation.GetDisplayNode().SetVisibility2D(True)
        self._edit.open(exam.segmentation, exam.flair)

    def close(self) -> None:
        """Let go of it; what is drawn stays, out of sight: another patient's image may lie in the same place."""
        exam, self._exam = self._exam, None
        if exam is None:
            return
        if isThere(exam.segmentation):
            hideNodes([exam.segmentation])
        self._edit.close()

    def forget(self) -> None:
        """The scene is closing."""
        self._exam = None
