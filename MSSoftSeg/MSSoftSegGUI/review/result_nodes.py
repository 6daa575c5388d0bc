"""A result in the scene, as it should look: probability and entropy as colored overlays, the segmentation as an outline."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from slicer.i18n import tr as _

from MSSoftSegGUI.review.material import ReviewMaterial
from MSSoftSegGUI.scene.case_folder import ROLE_SEGMENTATION, putInto
from MSSoftSegGUI.scene.color_tables import ENTROPY, PROBABILITY, findColorTable
from MSSoftSegGUI.scene.nodes import removeNodes
from MSSoftSegGUI.scene.segmentation_node import makeSegmentationNode
from MSSoftSegGUI.scene.volume_nodes import makeVolumeNode
from MSSoftSegLib.stepwise import Work

ROLE_PROBABILITY, ROLE_ENTROPY = "probability", "entropy"
# Below these an overlay is transparent: FLAIR shows where the model says nothing.
LOWEST_PROBABILITY, LOWEST_ENTROPY_NATS = 0.1, 0.15
MOST_ENTROPY_NATS = math.log(2)


@dataclass(frozen=True)
class ResultNodes:
    """The three nodes of a result."""

    probability: object
    entropy: object
    segmentation: object


def addResult(folder: int, caseName: str, material: ReviewMaterial, labels: np.ndarray) -> Work[ResultNodes]:
    """Put a result into the scene, into the exam's folder; nothing of it stays if this is left half-way."""
    matrix, made = material.ras_from_ijk, []
    try:
        name = _("{case} lesion probability").format(case=caseName)
        made.append(makeVolumeNode(material.probability, matrix, name, window=(0.0, 1.0)))
        _setOverlay(made[0], PROBABILITY, LOWEST_PROBABILITY, 1.0)
        putInto(folder, made[0], ROLE_PROBABILITY)
        yield
        name = _("{case} lesion entropy").format(case=caseName)
        made.append(makeVolumeNode(material.entropy, matrix, name, window=(0.0, MOST_ENTROPY_NATS)))
        _setOverlay(made[1], ENTROPY, LOWEST_ENTROPY_NATS, MOST_ENTROPY_NATS)
        putInto(folder, made[1], ROLE_ENTROPY)
        yield
        made.append(makeSegmentationNode(labels, made[0], _("{case} lesions").format(case=caseName)))
        putInto(folder, made[2], ROLE_SEGMENTATION)
    except BaseException:
        removeNodes(made)
        raise
    return ResultNodes(*made)


def _setOverlay(volumeNode, colors: str, lowest: float, highest: float) -> None:
    display = volumeNode.GetDisplayNode()
    display.SetAndObserveColorNodeID(findColorTable(colors).GetID())
    display.AutoThresholdOff()
    display.SetThreshold(lowest, highest)
    display.ApplyThresholdOn()
