"""Nodes of the scene, whatever they are: taken out with all that is theirs, or shown nowhere."""

from __future__ import annotations

import slicer


def addHidden(className: str, name: str):
    """A new node that is listed nowhere; hidden before it enters the scene, later the Data module has taken it in."""
    node = slicer.mrmlScene.CreateNodeByClass(className)
    node.UnRegister(None)
    node.SetName(slicer.mrmlScene.GenerateUniqueName(name))
    node.HideFromEditorsOn()
    return slicer.mrmlScene.AddNode(node)


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
