"""A result in the scene, as it should look: probability and entropy as colored overlays, the segmentation as an outline."""

from __future__ import annotations

import math
from dataclasses import dataclass

from slicer.i18n import tr as _

from MSSoftSegGUI.case_folder import putInto
from MSSoftSegGUI.color_tables import ENTROPY, PROBABILITY, colorTable
from MSSoftSegGUI.segmentation_node import newSegmentationNode
from MSSoftSegGUI.volume_nodes import newVolumeNode

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


def addResult(folder: int, caseName: str, material, labels) -> ResultNodes:
    """Put a result into the scene, into the exam's folder."""
    matrix = material.ras_from_ijk
    probability = newVolumeNode(material.probability, matrix, _("{case} lesion probability").format(case=caseName))
    entropy = newVolumeNode(material.entropy, matrix, _("{case} lesion entropy").format(case=caseName))
    segmentation = newSegmentationNode(labels, probability, _("{case} lesions").format(case=caseName))
    putInto(folder, probability, ROLE_PROBABILITY)
    putInto(folder, entropy, ROLE_ENTROPY)
    putInto(folder, segmentation, ROLE_SEGMENTATION)
    _setOverlay(probability, PROBABILITY, LOWEST_PROBABILITY, 1.0)
    _setOverlay(entropy, ENTROPY, LOWEST_ENTROPY_NATS, MOST_ENTROPY_NATS)
    return ResultNodes(probability, entropy, segmentation)


def _setOverlay(volumeNode, colors: str, lowest: float, highest: float) -> None:
    display = volumeNode.GetDisplayNode()
    display.SetAndObserveColorNodeID(colorTable(colors).GetID())
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.0, highest)
    display.AutoThresholdOff()
    display.SetThreshold(lowest, highest)
    display.ApplyThresholdOn()
