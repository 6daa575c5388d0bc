"""A result in the scene, as it should look: probability and entropy as colored overlays, the segmentation as an outline."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.review.material import ReviewMaterial
from MSSoftSegGUI.scene.case_folder import putInto
from MSSoftSegGUI.scene.color_tables import ENTROPY, PROBABILITY, colorTable
from MSSoftSegGUI.scene.segmentation_node import newSegmentationNode
from MSSoftSegGUI.scene.volume_nodes import newVolumeNode
from MSSoftSegGUI.worker.chunked_work import Work

ROLE_PROBABILITY, ROLE_ENTROPY, ROLE_SEGMENTATION = "probability", "entropy", "segmentation"
# Below these an overlay is transparent: FLAIR shows where the model says nothing.
LOWEST_PROBABILITY, LOWEST_ENTROPY_NATS = 0.1, 0.15
MOST_ENTROPY_NATS = math.log(2)


@dataclass(frozen=True)
class ResultNodes:
    """The three nodes of a result."""

    probability: object
    entropy: object
    segmentation: object


def addingResult(folder: int, caseName: str, material: ReviewMaterial, labels: np.ndarray) -> Work[ResultNodes]:
    """Put a result into the scene, into the exam's folder; nothing of it stays if this is left half-way."""
    matrix, made = material.ras_from_ijk, []
    try:
        name = _("{case} lesion probability").format(case=caseName)
        made.append(newVolumeNode(material.probability, matrix, name, window=(0.0, 1.0)))
        _setOverlay(made[0], PROBABILITY, LOWEST_PROBABILITY, 1.0)
        putInto(folder, made[0], ROLE_PROBABILITY)
        yield
        name = _("{case} lesion entropy").format(case=caseName)
        made.append(newVolumeNode(material.entropy, matrix, name, window=(0.0, MOST_ENTROPY_NATS)))
        _setOverlay(made[1], ENTROPY, LOWEST_ENTROPY_NATS, MOST_ENTROPY_NATS)
        putInto(folder, made[1], ROLE_ENTROPY)
        yield
        made.append(newSegmentationNode(labels, made[0], _("{case} lesions").format(case=caseName)))
        putInto(folder, made[2], ROLE_SEGMENTATION)
    except BaseException:
        removeNodes(made)
        raise
    return ResultNodes(*made)


def removeNodes(nodes) -> None:
    """Take nodes out of the scene with their display and storage nodes; None and removed ones are passed over."""
    for node in nodes:
        if node is None or not slicer.mrmlScene.IsNodePresent(node):
            continue
        helpers = [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
        helpers += [node.GetNthStorageNode(n) for n in range(node.GetNumberOfStorageNodes())]
        slicer.mrmlScene.RemoveNode(node)
        for helper in helpers:
            if helper is not None:
                slicer.mrmlScene.RemoveNode(helper)


def hideNodes(nodes) -> None:
    """Show nodes nowhere; None is passed over."""
    for node in nodes:
        if node is not None and node.GetDisplayNode() is not None:
            node.SetDisplayVisibility(False)


def _setOverlay(volumeNode, colors: str, lowest: float, highest: float) -> None:
    display = volumeNode.GetDisplayNode()
    display.SetAndObserveColorNodeID(colorTable(colors).GetID())
    display.AutoThresholdOff()
    display.SetThreshold(lowest, highest)
    display.ApplyThresholdOn()
