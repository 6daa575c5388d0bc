"""The color tables of the overlays: read once from the files that ship, kept out of the scene that is saved."""

from __future__ import annotations

import slicer

from MSSoftSegLib.resources import find_resources

PROBABILITY, ENTROPY = "MSSoftSegProbability", "MSSoftSegEntropy"


def findColorTable(name: str):
    """The color node of a table; made where the scene has none."""
    found = slicer.mrmlScene.GetFirstNodeByName(name)
    if found is not None and found.IsA("vtkMRMLColorTableNode"):
        return found
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", name)
    storage = slicer.vtkMRMLColorTableStorageNode()
    storage.SetFileName(str(find_resources() / "Colors" / f"{name}.ctbl"))
    storage.ReadData(node)
    node.SetName(name)
    node.SetAttribute("Category", "MSSoftSeg")
    node.HideFromEditorsOff()
    return node
