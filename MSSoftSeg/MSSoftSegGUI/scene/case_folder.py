"""The subject hierarchy folder of an exam: what belongs to it lies there, so that two exams in one scene do not mix."""

from __future__ import annotations

import slicer
import vtk

# What a node of ours is. Saved with the scene; the guess leaves such volumes out.
ROLE_ATTRIBUTE = "MSSoftSeg.Role"
ROLE_SEGMENTATION = "segmentation"
FOLDER_ATTRIBUTE = "MSSoftSeg.Folder"


def makeFolder(caseName: str, besideNode=None) -> int:
    """A folder for an exam: the one that the node lies in if that is ours, else a new one beside the node."""
    hierarchy = _hierarchy()
    parent = hierarchy.GetSceneItemID()
    item = _itemOf(besideNode) if besideNode is not None else 0
    if item:
        parent = hierarchy.GetItemParent(item)
        if hierarchy.GetItemAttribute(parent, FOLDER_ATTRIBUTE):
            return parent
    folder = hierarchy.CreateFolderItem(parent, hierarchy.GenerateUniqueItemName(caseName))
    hierarchy.SetItemAttribute(folder, FOLDER_ATTRIBUTE, "exam")
    if item and parent == hierarchy.GetSceneItemID():
        hierarchy.SetItemParent(item, folder)
    return folder


def putInto(folder: int, node, role: str = "") -> None:
    """Put a node into the folder; with a role it counts as made by this module."""
    if role:
        node.SetAttribute(ROLE_ATTRIBUTE, role)
    _hierarchy().SetItemParent(_itemOf(node), folder)


def findNodesWithRole(folder: int, role: str) -> list:
    """The nodes in the folder that this module made for a purpose."""
    items = vtk.vtkIdList()
    _hierarchy().GetItemChildren(folder, items)
    nodes = [_hierarchy().GetItemDataNode(items.GetId(n)) for n in range(items.GetNumberOfIds())]
    return [node for node in nodes if node is not None and node.GetAttribute(ROLE_ATTRIBUTE) == role]


def isOurs(node) -> bool:
    """Whether this module made the node."""
    return bool(node.GetAttribute(ROLE_ATTRIBUTE))


def findParentFolderName(node) -> str:
    """The name of the item that the node lies under, empty for the scene itself."""
    hierarchy = _hierarchy()
    parent = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))
    return hierarchy.GetItemName(parent) if parent and parent != hierarchy.GetSceneItemID() else ""


def findAncestorName(node, level: str) -> str:
    """The name of the patient or study that the node lies under, empty for none."""
    hierarchy = _hierarchy()
    item = hierarchy.GetItemAncestorAtLevel(hierarchy.GetItemByDataNode(node), level)
    return hierarchy.GetItemName(item) if item else ""


def _itemOf(node) -> int:
    """The node's item; made where the subject hierarchy has not taken it in yet."""
    hierarchy = _hierarchy()
    return hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)


def _hierarchy():
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
