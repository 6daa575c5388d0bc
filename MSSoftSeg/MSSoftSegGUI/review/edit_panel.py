"""Step 4: correct what the model drew, with the ordinary Segment Editor."""

from __future__ import annotations

import slicer

from MSSoftSegGUI.scene.segments import SEGMENTS
from MSSoftSegGUI.widgets.panel import Panel

EFFECTS = ("Paint", "Draw", "Erase", "Islands", "Scissors", "Margin", "Threshold", "Smoothing")
EDITOR_TAG = "MSSoftSeg"
# Undo is the review's own, for strokes as for decisions: the editor's would bring back whole masks of another threshold.
REVIEW_KEYS = ("Z", "Y", "Ctrl+Z", "Ctrl+Y", "Ctrl+Shift+Z")
BRUSH_SET, BRUSH_MM = "MSSoftSeg.BrushSet", 4.0


class EditPanel(Panel):
    """The Segment Editor's widget on a node of its own, so that another module's editor is left alone."""

    def __init__(self, uiPath: str):
        super().__init__(uiPath)
        editor = self.ui.segmentEditor
        editor.setMRMLScene(slicer.mrmlScene)
        editor.setEffectNameOrder(list(EFFECTS))
        editor.unorderedEffectsVisible = False
        editor.segmentationNodeSelectorVisible = False
        editor.sourceVolumeNodeSelectorVisible = False
        editor.addRemoveSegmentButtonsVisible = False
        editor.switchToSegmentationsButtonVisible = False
        editor.show3DButtonVisible = False
        # None at all makes the editor complain at every stroke.
        editor.setMaximumNumberOfUndoStates(1)
        self.forgetStates()
        self._isEntered = self._hasKeys = False
        lesion, possible = SEGMENTS
        self.ui.paintLesionButton.connect("clicked(bool)", lambda _checked=False: self._use("Paint", lesion.id))
        self.ui.paintPossibleButton.connect("clicked(bool)", lambda _checked=False: self._use("Paint", possible.id))
        self.ui.eraseButton.connect("clicked(bool)", lambda _checked=False: self._use("Erase", ""))
        self._enable(False)

    @property
    def hasEffect(self) -> bool:
        """Whether a click in a view is the editor's."""
        return self.ui.segmentEditor.activeEffect() is not None

    def open(self, segmentationNode, flairNode) -> None:
        """Edit this segmentation over this image."""
        editor = self.ui.segmentEditor
        editor.setMRMLSegmentEditorNode(_editorNode())
        editor.setSegmentationNode(segmentationNode)
        editor.setSourceVolumeNode(flairNode)
        editor.setCurrentSegmentID(SEGMENTS[0].id)
        self._enable(True)
        self._takeKeys()

    def forgetStates(self) -> None:
        """The mask was written from outside: no state of before may come back, whoever asks the editor for it."""
        # The editor forgets what it keeps when undo is switched on, and only then.
        self.ui.segmentEditor.undoEnabled = True
        self.ui.segmentEditor.undoEnabled = False

    def close(self) -> None:
        """Let go of the segmentation."""
        self._giveKeysBack()
        self.ui.segmentEditor.setSegmentationNode(None)
        self._enable(False)

    def enter(self) -> None:
        """The module is opened: the editor's keys act as soon as there is something to edit."""
        self._isEntered = True
        self._takeKeys()

    def leave(self) -> None:
        """The module is left: no effect stays active in the views."""
        self._isEntered = False
        self._giveKeysBack()

    def _takeKeys(self) -> None:
        """Whatever comes first, the module or a result: with both there the editor hears keys and views, once."""
        editor = self.ui.segmentEditor
        if self._hasKeys or not self._isEntered or editor.segmentationNode() is None:
            return
        self._hasKeys = True
        editor.setupViewObservations()
        editor.installKeyboardShortcuts(self.widget)
        for shortcut in self.widget.findChildren("QShortcut"):
            if shortcut.key.toString() in REVIEW_KEYS:
                shortcut.enabled = False

    def _giveKeysBack(self) -> None:
        editor = self.ui.segmentEditor
        editor.setActiveEffectByName("")
        if self._hasKeys:
            self._hasKeys = False
            editor.uninstallKeyboardShortcuts()
            editor.removeViewObservations()

    def _use(self, effect: str, segmentId: str) -> None:
        if segmentId:
            self.ui.segmentEditor.setCurrentSegmentID(segmentId)
        self.ui.segmentEditor.setActiveEffectByName(effect)
        self._setBrush(self.ui.segmentEditor.activeEffect())

    def _setBrush(self, effect) -> None:
        """A ball as small as a lesion to begin with; what the user chose since then stays."""
        node = self.ui.segmentEditor.mrmlSegmentEditorNode()
        if effect is not None and not node.GetAttribute(BRUSH_SET):
            node.SetAttribute(BRUSH_SET, "1")
            effect.setCommonParameter("BrushSphere", 1)
            effect.setCommonParameter("BrushDiameterIsRelative", 0)
            effect.setCommonParameter("BrushAbsoluteDiameter", BRUSH_MM)

    def _enable(self, enabled: bool) -> None:
        for name in ("paintLesionButton", "paintPossibleButton", "eraseButton", "segmentEditor"):
            getattr(self.ui, name).enabled = enabled


def _editorNode():
    """The editor's own parameter node in this scene: neither segment overwrites nor hides the other."""
    node = slicer.mrmlScene.GetSingletonNode(EDITOR_TAG, "vtkMRMLSegmentEditorNode")
    if node is None:
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
        node.UnRegister(None)
        node.SetSingletonTag(EDITOR_TAG)
        node = slicer.mrmlScene.AddNode(node)
        node.SetOverwriteMode(node.OverwriteAllSegments)
    return node
