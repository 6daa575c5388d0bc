"""What "Preprocess only" leaves in the scene: the working images, and a brain mask on FLAIR's voxels to be edited."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.scene.case_folder import findNodesWithRole, putInto
from MSSoftSegGUI.scene.nodes import removeNodes
from MSSoftSegGUI.scene.segmentation_node import BINARY, makeLabelmap
from MSSoftSegGUI.scene.volume_files import read_volume
from MSSoftSegGUI.scene.volume_nodes import makeVolumeNode
from MSSoftSegGUI.scene.working_images import bring_brain_mask, find_working_images
from MSSoftSegLib.stepwise import Work

BRAIN_COLOR = (0.0, 0.62, 0.45)
ROLE_WORKING, ROLE_BRAIN_MASK = "working image", "brain mask"


def addWorkingImages(workingFolder: Path, folder: int, caseName: str) -> Work[None]:
    """Load the aligned, bias-corrected, brain-extracted images that are there; those of an earlier run are replaced."""
    for slot, path in find_working_images(workingFolder).items():
        array, matrix = read_volume(path)
        window = _window(array)
        yield
        name = _("{case} {modality} preprocessed").format(case=caseName, modality=slot.upper())
        removeNodes(findNodesWithRole(folder, f"{ROLE_WORKING} {slot}"))
        putInto(folder, makeVolumeNode(array, matrix, name, window=window), f"{ROLE_WORKING} {slot}")
        yield


def addBrainMask(workingFolder: Path, flairNode, folder: int, caseName: str) -> Work[object]:
    """The brain mask as a segmentation on FLAIR's own voxels, which the next run can take."""
    mask = yield from bring_brain_mask(workingFolder)
    yield
    name = slicer.mrmlScene.GenerateUniqueName(_("{case} brain mask").format(case=caseName))
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(flairNode)
    segment = slicer.vtkSegment()
    segment.SetName(_("Brain"))
    segment.SetColor(*BRAIN_COLOR)
    segment.AddRepresentation(BINARY, makeLabelmap(mask.array, flairNode))
    node.GetSegmentation().SetSourceRepresentationName(BINARY)
    node.GetSegmentation().AddSegment(segment, "Brain")
    node.SetAndObserveTransformNodeID(flairNode.GetTransformNodeID())
    node.GetDisplayNode().SetOpacity2DFill(0.15)
    putInto(folder, node, ROLE_BRAIN_MASK)
    return node


def _window(array: np.ndarray) -> tuple[float, float] | None:
    """From black to the brightest tissue; None where there is none."""
    some = array[::4, ::4, ::4]
    inside = some[some > 0]
    return (0.0, float(np.percentile(inside, 99.5))) if len(inside) else None
