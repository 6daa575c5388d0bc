"""What "Preprocess only" leaves in the scene: the working images, and a brain mask on FLAIR's voxels to be edited."""

from __future__ import annotations

from pathlib import Path

import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.case_folder import putInto
from MSSoftSegGUI.segmentation_node import BINARY, labelmap
from MSSoftSegGUI.volume_files import read_volume
from MSSoftSegGUI.volume_nodes import newVolumeNode
from MSSoftSegGUI.working_images import brain_mask_on_flair, working_image_files

BRAIN_COLOR = (0.0, 0.62, 0.45)
ROLE_WORKING, ROLE_BRAIN_MASK = "working image", "brain mask"


def addWorkingImages(workingFolder: Path, folder: int, caseName: str) -> None:
    """Load the aligned, bias-corrected, brain-extracted images that are there."""
    for slot, path in working_image_files(workingFolder).items():
        name = _("{case} {modality} preprocessed").format(case=caseName, modality=slot.upper())
        putInto(folder, newVolumeNode(*read_volume(path), name), ROLE_WORKING)


def addBrainMask(workingFolder: Path, flairNode, folder: int, caseName: str):
    """The brain mask as a segmentation on FLAIR's own voxels, which the next run can take."""
    mask = brain_mask_on_flair(workingFolder)
    name = slicer.mrmlScene.GenerateUniqueName(_("{case} brain mask").format(case=caseName))
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(flairNode)
    segment = slicer.vtkSegment()
    segment.SetName(_("Brain"))
    segment.SetColor(*BRAIN_COLOR)
    segment.AddRepresentation(BINARY, labelmap(mask.array, flairNode))
    node.GetSegmentation().SetSourceRepresentationName(BINARY)
    node.GetSegmentation().AddSegment(segment, "Brain")
    node.SetAndObserveTransformNodeID(flairNode.GetTransformNodeID())
    node.GetDisplayNode().SetOpacity2DFill(0.15)
    putInto(folder, node, ROLE_BRAIN_MASK)
    return node
