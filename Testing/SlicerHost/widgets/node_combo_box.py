"""qMRMLNodeComboBox: chooses a node of the scene, and follows what is added, renamed and removed."""

from __future__ import annotations

import weakref

import slicer
import vtk
from PySide6 import QtCore, QtWidgets

from .base import stored

SCENE_EVENTS = ("NodeAddedEvent", "NodeRemovedEvent", "EndBatchProcessEvent", "EndImportEvent", "EndCloseEvent")


class qMRMLNodeComboBox(QtWidgets.QWidget):
    currentNodeChanged = QtCore.Signal((object,), (bool,))
    currentNodeIDChanged = QtCore.Signal(str)
    nodeActivated = QtCore.Signal(object)
    nodeAdded = QtCore.Signal(object)
    nodeAddedByUser = QtCore.Signal(object)
    nodeAboutToBeRemoved = QtCore.Signal(object)
    currentNodeRenamed = QtCore.Signal(str)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._scene, self._node, self._attributes = None, None, []
        self._observed: list[tuple] = []
        self._combo_box = QtWidgets.QComboBox(self)
        self._combo_box.setSizeAdjustPolicy(QtWidgets.QComboBox.AdjustToMinimumContentsLengthWithIcon)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo_box)
        self._combo_box.activated.connect(self._chosen_by_user)
        self.destroyed.connect(self._forgetter())
        self._refill()

    nodeTypes = stored(list, "nodeTypes", [], "_refill")
    hideChildNodeTypes = stored(list, "hideChildNodeTypes", [], "_refill")
    showHidden = stored(bool, "showHidden", False, "_refill")
    showChildNodeTypes = stored(bool, "showChildNodeTypes", True, "_refill")
    baseName = stored(str, "baseName", "")
    noneEnabled = stored(bool, "noneEnabled", False, "_refill")
    noneDisplay = stored(str, "noneDisplay", "None", "_refill")
    addEnabled = stored(bool, "addEnabled", True, "_refill")
    removeEnabled = stored(bool, "removeEnabled", True, "_refill")
    editEnabled = stored(bool, "editEnabled", False, "_refill")
    renameEnabled = stored(bool, "renameEnabled", False, "_refill")
    selectNodeUponCreation = stored(bool, "selectNodeUponCreation", True)

    # What follows the scene

    def mrmlScene(self):
        return self._scene

    def setMRMLScene(self, scene):
        if scene is self._scene:
            return
        self._forget()
        self._scene = scene
        if scene is not None:
            me = weakref.ref(self)
            for event in SCENE_EVENTS:
                number = getattr(slicer.vtkMRMLScene, event)
                self._observed.append((scene, scene.AddObserver(number, lambda *_: me() and me()._refill())))
            removal = slicer.vtkMRMLScene.NodeAboutToBeRemovedEvent
            self._observed.append((scene, scene.AddObserver(removal, _removal_of(me))))
        self._refill()
        if self._node is None and scene is not None and not self.noneEnabled and self.nodeCount():
            self.setCurrentNode(self.nodeFromIndex(0))
        self.setEnabled(scene is not None)

    def _forget(self):
        for thing, tag in self._observed:
            thing.RemoveObserver(tag)
        # Emptied, not replaced: `_forgetter` holds this list.
        self._observed.clear()

    def _forgetter(self):
        observed = self._observed

        def forget(*_):
            for thing, tag in observed:
                thing.RemoveObserver(tag)

        return forget

    def _shown(self, node):
        if node.GetHideFromEditors() and not self.showHidden:
            return False
        if any(node.IsA(kind) and node.GetClassName() == kind for kind in self.hideChildNodeTypes):
            return False
        exact = node.GetClassName() in self.nodeTypes
        if not exact and not (self.showChildNodeTypes and any(node.IsA(kind) for kind in self.nodeTypes)):
            return False
        return all(
            node.GetAttribute(name) is not None and (value is None or node.GetAttribute(name) == str(value))
            for kind, name, value in self._attributes
            if node.IsA(kind)
        )

    def _nodes(self):
        if self._scene is None:
            return []
        every = (self._scene.GetNthNode(index) for index in range(self._scene.GetNumberOfNodes()))
        return [node for node in every if self._shown(node)]

    def _refill(self):
        if self._scene is not None and self._scene.IsBatchProcessing():
            return
        with QtCore.QSignalBlocker(self._combo_box):
            self._combo_box.clear()
            if self.noneEnabled:
                self._combo_box.addItem(self.noneDisplay, None)
            nodes = self._nodes()
            for node in nodes:
                self._combo_box.addItem(node.GetName(), node.GetID())
            self._combo_box.setCurrentIndex(self._combo_box.findData(self._node.GetID()) if self._node else -1)
            if self._node is None and self.noneEnabled:
                self._combo_box.setCurrentIndex(0)
        if self._node is not None and self._node not in nodes:
            self.setCurrentNode(None if self.noneEnabled or not nodes else nodes[0])
        elif self._node is None and nodes and not self.noneEnabled:
            self.setCurrentNode(nodes[0])

    # The choice

    def currentNode(self):
        return self._node

    def _current_id(self):
        return self._node.GetID() if self._node is not None else ""

    def setCurrentNode(self, node):
        if isinstance(node, str):
            node = self._scene.GetNodeByID(node) if node and self._scene else None
        if node is not None and node not in self._nodes():
            node = None
        if node is self._node:
            return
        self._observe_name(node)
        self._node = node
        with QtCore.QSignalBlocker(self._combo_box):
            nothing = 0 if self.noneEnabled else -1
            self._combo_box.setCurrentIndex(self._combo_box.findData(node.GetID()) if node else nothing)
        self.currentNodeChanged[object].emit(node)
        self.currentNodeChanged[bool].emit(node is not None)
        self.currentNodeIDChanged.emit(self._current_id())

    def _observe_name(self, node):
        tag = getattr(self, "_name_tag", None)
        if tag is not None:
            tag[0].RemoveObserver(tag[1])
        self._name_tag = None
        if node is not None:
            me = weakref.ref(self)
            called = lambda *_: me() and me()._renamed()  # noqa: E731
            self._name_tag = (node, node.AddObserver(vtk.vtkCommand.ModifiedEvent, called))

    def _renamed(self):
        index = self._combo_box.currentIndex()
        if self._node is not None and self._combo_box.itemText(index) != self._node.GetName():
            self._combo_box.setItemText(index, self._node.GetName())
            self.currentNodeRenamed.emit(self._node.GetName())

    def setCurrentNodeID(self, node_id):
        self.setCurrentNode(node_id)

    def setCurrentNodeIndex(self, index):
        self.setCurrentNode(self.nodeFromIndex(index))

    currentNodeID = QtCore.Property("QString", _current_id, setCurrentNodeID)

    def _chosen_by_user(self, index):
        node_id = self._combo_box.itemData(index)
        self.setCurrentNode(node_id or None)
        self.nodeActivated.emit(self._node)

    def nodeCount(self):
        return len(self._nodes())

    def nodeFromIndex(self, index):
        nodes = self._nodes()
        return nodes[index] if 0 <= index < len(nodes) else None

    def addAttribute(self, kind, name, value=None):
        self._attributes.append((kind, name, value))
        self._refill()

    def removeAttribute(self, kind, name):
        self._attributes = [a for a in self._attributes if a[:2] != (kind, name)]
        self._refill()

    def addNode(self, kind=None):
        kind = kind or self.nodeTypes[0]
        node = self._scene.AddNewNodeByClass(kind, self.baseName or kind.removeprefix("vtkMRML"))
        self.nodeAddedByUser.emit(node)
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        return node

    def removeCurrentNode(self):
        if self._node is not None:
            self._scene.RemoveNode(self._node)


def _removal_of(me):
    @vtk.calldata_type(vtk.VTK_OBJECT)
    def about_to_be_removed(_scene, _event, node):
        combo_box = me()
        if combo_box is not None and combo_box._shown(node):
            combo_box.nodeAboutToBeRemoved.emit(node)

    return about_to_be_removed
