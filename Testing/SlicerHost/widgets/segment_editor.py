"""The Segment Editor's widget, on Slicer's own segment editor logic.

The logic (selected segment, masks, undo) is Slicer's own. Of the effects there are Paint and Erase with a ball or a disk,
by clicks into slice views, which is what a test needs to play a radiologist; the others are listed and can be made
active, but do nothing here.
"""

from __future__ import annotations

import weakref

import shiboken6
import slicer
from PySide6 import QtCore, QtGui, QtWidgets

from . import brush
from .base import SceneWidget, stored
from .segments_table import qMRMLSegmentsTableView

EFFECTS = (
    "Threshold", "Paint", "Draw", "Erase", "Level tracing", "Grow from seeds", "Fill between slices",
    "Margin", "Hollow", "Smoothing", "Scissors", "Islands", "Logical operators", "Mask volume",
)  # fmt: skip


class qSlicerSegmentEditorAbstractEffect(QtCore.QObject):
    """One effect: a name, an options frame and its parameters in the segment editor node."""

    def __init__(self, name, editor):
        super().__init__(editor)
        self._name, self._editor = name, weakref.ref(editor)
        self._frame = QtWidgets.QFrame(editor)

    name = QtCore.Property("QString", lambda self: self._name)
    title = QtCore.Property("QString", lambda self: self._name)
    perSegment = QtCore.Property(bool, lambda self: True)

    def _key(self, name):
        return f"{self._name}.{name}"

    def parameterSetNode(self):
        return self._editor().mrmlSegmentEditorNode()

    def parameterDefined(self, name):
        return self.parameterSetNode().GetAttribute(self._key(name)) is not None

    def parameter(self, name):
        return self.parameterSetNode().GetAttribute(self._key(name)) or ""

    def integerParameter(self, name):
        return int(float(self.parameter(name) or 0))

    def doubleParameter(self, name):
        return float(self.parameter(name) or 0.0)

    def setParameter(self, name, value):
        self.parameterSetNode().SetAttribute(self._key(name), str(value))

    def setCommonParameter(self, name, value):
        self.parameterSetNode().SetAttribute(name, str(value))

    def optionsFrame(self):
        return self._frame

    def active(self):
        return self._editor().activeEffect() is self


class qMRMLSegmentEditorWidget(SceneWidget):
    currentSegmentIDChanged = QtCore.Signal(str)
    sourceVolumeNodeChanged = QtCore.Signal(object)
    segmentationNodeChanged = QtCore.Signal(object)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._logic = slicer.vtkSlicerSegmentEditorLogic()
        self._editor_node, self._active, self._before = None, None, None
        self._effects = {name: qSlicerSegmentEditorAbstractEffect(name, self) for name in EFFECTS}
        self._order = list(EFFECTS)
        self._table = qMRMLSegmentsTableView(self)
        self._table.setMaximumHeight(110)
        self._table._table.itemSelectionChanged.connect(self._row_chosen)
        self._buttons: dict[str, QtWidgets.QToolButton] = {}
        self._grid = QtWidgets.QGridLayout()
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._table)
        layout.addLayout(self._grid)
        self._undo_box = QtWidgets.QWidget(self)
        row = QtWidgets.QHBoxLayout(self._undo_box)
        row.setContentsMargins(0, 0, 0, 0)
        for text, called in (("Undo", self.undo), ("Redo", self.redo)):
            button = QtWidgets.QPushButton(text, self)
            button.clicked.connect(called)
            row.addWidget(button)
        layout.addWidget(self._undo_box)
        self._shortcuts: list[QtGui.QShortcut] = []
        self._is_observing = False
        self._show_effects()

    segmentationNodeSelectorVisible = stored(bool, "segmentationNodeSelectorVisible", True)
    sourceVolumeNodeSelectorVisible = stored(bool, "sourceVolumeNodeSelectorVisible", True)
    maskingSectionVisible = stored(bool, "maskingSectionVisible", True)
    specifyGeometryButtonVisible = stored(bool, "specifyGeometryButtonVisible", True)
    show3DButtonVisible = stored(bool, "show3DButtonVisible", True)
    addRemoveSegmentButtonsVisible = stored(bool, "addRemoveSegmentButtonsVisible", True)
    autoShowSourceVolumeNode = stored(bool, "autoShowSourceVolumeNode", True)
    switchToSegmentationsButtonVisible = stored(bool, "switchToSegmentationsButtonVisible", True)
    maximumNumberOfUndoStates = stored(int, "maximumNumberOfUndoStates", 5, "_undo_changed")
    readOnly = stored(bool, "readOnly", False)
    effectColumnCount = stored(int, "effectColumnCount", 4, "_show_effects")
    unorderedEffectsVisible = stored(bool, "unorderedEffectsVisible", True, "_show_effects")
    defaultTerminologyEntrySettingsKey = stored(str, "defaultTerminologyEntrySettingsKey", "")
    defaultTerminologyEntry = stored(str, "defaultTerminologyEntry", "")
    jumpToSelectedSegmentEnabled = stored(bool, "jumpToSelectedSegmentEnabled", False)

    def __getattr__(self, name):
        # setXVisible(bool) and the like are slots of the stored properties above.
        if name.startswith("set") and len(name) > 3:
            key = name[3].lower() + name[4:]
            if isinstance(getattr(type(self), key, None), QtCore.Property):
                return lambda value: setattr(self, key, value)
        raise AttributeError(name)

    def setUndoEnabled(self, enabled):
        # As in Slicer: the buttons go, the states are kept and can be asked for otherwise; switching on forgets them.
        if enabled:
            self._logic.ClearUndoState()
        self._undo_box.setVisible(enabled)

    undoEnabled = QtCore.Property(bool, lambda self: self._undo_box.isVisible(), setUndoEnabled)

    def _undo_changed(self):
        self._logic.SetMaximumNumberOfUndoStates(self.maximumNumberOfUndoStates)

    def _scene_changed(self):
        self._logic.SetMRMLScene(self._scene)

    # Effects

    def _show_effects(self):
        for button in self._buttons.values():
            button.deleteLater()
        self._buttons = {}
        shown = [name for name in self._order if name in self._effects]
        if self.unorderedEffectsVisible:
            shown += [name for name in EFFECTS if name not in shown]
        for index, name in enumerate(shown):
            button = QtWidgets.QToolButton(self)
            button.setText(name)
            button.setObjectName(name)
            button.setCheckable(True)
            button.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Fixed)
            button.clicked.connect(lambda on, name=name: self.setActiveEffectByName(name if on else ""))
            self._grid.addWidget(button, index // self.effectColumnCount, index % self.effectColumnCount)
            self._buttons[name] = button

    def setEffectNameOrder(self, names):
        self._order = list(names)
        self._show_effects()

    def effectNameOrder(self):
        return list(self._order)

    def updateEffectList(self):
        self._show_effects()

    def availableEffectNames(self):
        return list(self._effects)

    def effectCount(self):
        return len(self._effects)

    def effectByName(self, name):
        return self._effects.get(name)

    def effectByIndex(self, index):
        return list(self._effects.values())[index]

    def activeEffect(self):
        return self._effects.get(self._active)

    def setActiveEffect(self, effect):
        self.setActiveEffectByName(effect.name if effect is not None else "")

    def setActiveEffectByName(self, name):
        self._active = name or None
        for known, button in self._buttons.items():
            button.setChecked(known == name)
        if self._editor_node is not None:
            self._editor_node.SetActiveEffectName(name)
        (brush.LISTENING.add if name in brush.EFFECTS else brush.LISTENING.discard)(self)

    # Nodes

    def mrmlSegmentEditorNode(self):
        return self._editor_node

    def setMRMLSegmentEditorNode(self, node):
        self._editor_node = node
        self._logic.SetSegmentEditorNode(node)
        self.updateWidgetFromMRML()

    def updateWidgetFromMRML(self):
        self._table.setSegmentationNode(self.segmentationNode())
        if self.currentSegmentID():
            self._table.setSelectedSegmentIDs([self.currentSegmentID()])

    def segmentationNode(self):
        return self._editor_node.GetSegmentationNode() if self._editor_node is not None else None

    def segmentationNodeID(self):
        return self.segmentationNode().GetID() if self.segmentationNode() is not None else ""

    def setSegmentationNode(self, node):
        if self._editor_node is None or node is self.segmentationNode():
            return
        self._logic.SetSegmentationNode(node)
        if node is not None and node.GetSegmentation().GetNumberOfSegments() and not self.currentSegmentID():
            self._logic.SetCurrentSegmentID(node.GetSegmentation().GetNthSegmentID(0))
        self.updateWidgetFromMRML()
        self.segmentationNodeChanged.emit(node)

    def setSegmentationNodeID(self, node_id):
        self.setSegmentationNode(self._scene.GetNodeByID(node_id) if node_id else None)

    def sourceVolumeNode(self):
        return self._editor_node.GetSourceVolumeNode() if self._editor_node is not None else None

    def setSourceVolumeNode(self, node):
        if self._editor_node is None or node is self.sourceVolumeNode():
            return
        self._logic.SetSourceVolumeNode(node)
        self.sourceVolumeNodeChanged.emit(node)

    def setSourceVolumeNodeID(self, node_id):
        self.setSourceVolumeNode(self._scene.GetNodeByID(node_id) if node_id else None)

    def currentSegmentID(self):
        return (self._editor_node.GetSelectedSegmentID() or "") if self._editor_node is not None else ""

    def setCurrentSegmentID(self, segment_id):
        if self._editor_node is not None and segment_id != self.currentSegmentID():
            self._logic.SetCurrentSegmentID(segment_id)
            self._table.setSelectedSegmentIDs([segment_id])
            self.currentSegmentIDChanged.emit(segment_id)

    def _row_chosen(self):
        chosen = self._table.selectedSegmentIDs()
        if chosen:
            self.setCurrentSegmentID(chosen[0])

    # Editing

    def saveStateForUndo(self):
        self._logic.SaveStateForUndo()

    def undo(self):
        self._logic.Undo()

    def redo(self):
        self._logic.Redo()

    def installKeyboardShortcuts(self, widget=None):
        self.uninstallKeyboardShortcuts()
        calls = {"Z": self.undo, "Y": self.redo, "Esc": lambda: self.setActiveEffectByName(""), "Space": self._swap}
        calls |= {
            str(n + 1): lambda name=name: self.setActiveEffectByName(name) for n, name in enumerate(self._order[:9])
        }
        calls |= {"Ctrl+Z": self.undo, "Ctrl+Shift+Z": self.redo, "I": lambda: None}
        calls |= {key: lambda: None for key in "QW/*,.<>"}
        for key, called in calls.items():
            parent = widget if widget is not None else slicer.util.mainWindow()._inner
            shortcut = QtGui.QShortcut(QtGui.QKeySequence(key), parent)
            shortcut.activated.connect(called)
            self._shortcuts.append(shortcut)

    def uninstallKeyboardShortcuts(self):
        for shortcut in self._shortcuts:
            shiboken6.delete(shortcut)
        self._shortcuts = []

    def setupViewObservations(self):
        self._is_observing = True

    def removeViewObservations(self):
        self._is_observing = False

    def _swap(self):
        self._active, self._before = self._before, self._active
        self.setActiveEffectByName(self._active or "")

    def _pressed(self, ras, slice_normal, view_height_mm):
        """Paint or Erase, whichever is active, where the mouse was pressed in a slice view."""
        effect = self.activeEffect()
        if not self._is_observing:
            return
        if effect is not None and self.segmentationNode() is not None and self.currentSegmentID():
            stroke = brush.stroke_of(self._editor_node, effect.name, view_height_mm)
            brush.apply(self._logic, self.currentSegmentID(), stroke, ras, slice_normal, erase=effect.name == "Erase")
