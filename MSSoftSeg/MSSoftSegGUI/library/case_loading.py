"""A case of a library comes into the scene: its images, and one rater's exact labels as a drawing that can be gone on with.

Nodes have no file of their own: saving the scene never writes into the library.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.library.case_state import make_opened_state
from MSSoftSegGUI.library.worklist import Opened
from MSSoftSegGUI.scene.case_folder import FOLDER_ATTRIBUTE, makeFolder, putInto
from MSSoftSegGUI.scene.exam_drawing import computeDigest, makeDrawing, readDrawing, readNativeMatrix
from MSSoftSegGUI.scene.nodes import removeNodes
from MSSoftSegGUI.scene.parameter_nodes import isThere, makeExam
from MSSoftSegGUI.scene.same_voxels import make_right_handed, put_on_grid
from MSSoftSegGUI.scene.state import SLOTS
from MSSoftSegGUI.scene.volume_files import read_volume
from MSSoftSegGUI.scene.volume_nodes import makeVolumeNode
from MSSoftSegLib.stepwise import Work

# Voxels of a mask and of its FLAIR lie together up to the rounding of a file header.
SAME_PLACE_MM = 1e-2


def loadCase(opened: Opened, rater: str) -> Work[object]:
    """Load it, file by file; the exam. Nothing of it stays if this is left half-way. rater: who is at work."""
    summary, made = opened.summary, []
    case = str(summary["case"])
    try:
        nodes, grids = {}, {}
        for slot in SLOTS:
            if slot in summary["images"]:
                array, matrix = read_volume(Path(summary["images"][slot]))
                grids[slot] = matrix
                yield
                nodes[slot] = makeVolumeNode(*make_right_handed(array, matrix), f"{case} {slot.upper()}")
                made.append(nodes[slot])
                yield
        labels = yield from _readingLabels(summary, opened.start_from, nodes["flair"], grids["flair"])
        item = makeFolder(case, nodes["flair"])
        for node in nodes.values():
            putInto(item, node)
        exam = makeExam(case)
        made.append(exam.parameterNode)
        exam.flair = nodes["flair"]
        exam.t1, exam.t2 = nodes.get("t1"), nodes.get("t2")
        makeDrawing(exam, labels)
        made.append(exam.segmentation)
        yield
        state = make_opened_state(opened.library, summary, start_from=opened.start_from, rater=rater)
        digest = computeDigest(readDrawing(exam, grids["flair"]))
        exam.curation = state.with_drawing(digest, tuple(grids["flair"].ravel().tolist())).to_json()
    except BaseException:
        removeNodes(made)
        raise
    return exam


def closeCase(exam) -> None:
    """Take an exam that came from a library out of the scene."""
    flair = exam.flair
    nodes = [exam.segmentation, exam.t1, exam.t2, flair, exam.probability, exam.entropy, exam.brainMask]
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(flair)) if isThere(flair) else 0
    removeNodes(nodes)
    slicer.mrmlScene.RemoveNode(exam.parameterNode)
    if item and hierarchy.GetItemAttribute(item, FOLDER_ATTRIBUTE) and not hierarchy.GetNumberOfItemChildren(item):
        hierarchy.RemoveItem(item)


def _readingLabels(summary, rater: str, flairNode, grid: np.ndarray) -> Work[np.ndarray | None]:
    """The rater's label map on FLAIR's voxels as they lie in the scene; None for nobody's. grid: of FLAIR's file."""
    if not rater:
        return None
    labels, matrix = read_volume(Path(summary["raters"][rater]["path"]))
    yield
    if np.abs(matrix - grid).max() > SAME_PLACE_MM:
        raise ValueError(_("the mask of {rater} does not lie on FLAIR’s voxels").format(rater=rater))
    labels = put_on_grid(labels, matrix, readNativeMatrix(flairNode)).astype(np.uint8)
    if labels.shape != slicer.util.arrayFromVolume(flairNode).shape:
        raise ValueError(_("the mask of {rater} does not lie on FLAIR’s voxels").format(rater=rater))
    return labels
