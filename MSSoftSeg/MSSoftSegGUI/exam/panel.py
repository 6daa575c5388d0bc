"""Step 1: which images make the exam."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.exam.chooser_panel import ChooserWidgets
from MSSoftSegGUI.exam.contrast_check import check_contrast
from MSSoftSegGUI.exam.guess import guess_exam
from MSSoftSegGUI.exam.loaded_volumes import findPatientName, findStudy, listLoadedVolumes
from MSSoftSegGUI.scene.state import SLOTS
from MSSoftSegGUI.widgets.panel import Panel, showMessage
from MSSoftSegGUI.worker.chunked_work import ChunkedWork
from MSSoftSegGUI.worker.qt_process import callLater
from MSSoftSegLib.stepwise import Work


class ExamPanel(Panel):
    """Selectors for FLAIR, T1 and T2, filled by guess; onChanged is called when the exam is another one.

    chooser: the widgets that ask which images of a folder are meant.
    """

    def __init__(
        self,
        uiPath: str,
        *,
        loadFolder: Callable[[Path], None],
        openDicom: Callable[[Path], None],
        loadSample: Callable[[], None],
        onChanged,
    ):
        super().__init__(uiPath)
        self.setIcons({"loadFolderButton": "Folder", "openDicomButton": "Folder"})
        self._loadFolder, self._openDicom, self._loadSample = loadFolder, openDicom, loadSample
        self._onChanged = onChanged
        self.chooser = ChooserWidgets(self)
        self._selectors = {slot: getattr(self.ui, f"{slot}Selector") for slot in SLOTS}
        self._warnings: dict[str, str] = {}
        self._said, self._kind = "", "note"
        self._unchecked: list[str] = []
        self._checking = ChunkedWork(callLater)
        self._nameIsOurs = True
        for slot, selector in self._selectors.items():
            selector.connect("currentNodeChanged(vtkMRMLNode*)", getattr(self, f"on{slot.capitalize()}Changed"))
        self.ui.caseEdit.connect("textEdited(QString)", self.onCaseEdited)
        self.ui.loadFolderButton.connect("clicked(bool)", self.onLoadFolderClicked)
        self.ui.openDicomButton.connect("clicked(bool)", self.onOpenDicomClicked)
        self.ui.sampleButton.connect("clicked(bool)", self.onSampleClicked)
        self.ui.guessButton.connect("clicked(bool)", self.onGuessClicked)

    @property
    def caseName(self) -> str:
        """The exam's name: as typed, else made from the scene."""
        return self.ui.caseEdit.text.strip() or _("Exam")

    def nodeId(self, slot: str) -> str:
        """The id of the node in a slot, empty for none."""
        return self._selectors[slot].currentNodeID or ""

    def node(self, slot: str):
        """The node in a slot, None for none."""
        return self._selectors[slot].currentNode()

    def choose(self, nodeIds: dict[str, str | None], caseName: str | None = None) -> None:
        """Fill the slots; a name that is given counts as typed."""
        with self.updating():
            for slot, selector in self._selectors.items():
                selector.setCurrentNodeID(nodeIds.get(slot) or "")
            if caseName is not None:
                self.ui.caseEdit.text, self._nameIsOurs = caseName, False
        self._check(*SLOTS)
        self._changed()

    def guess(self, preferNode=None, notes: tuple[str, ...] = ()) -> None:
        """Fill the slots from what is loaded; images of that node's study first."""
        found = guess_exam(listLoadedVolumes(), prefer_study=findStudy(preferNode) if preferNode is not None else "")
        self._nameIsOurs = True
        self.choose({"flair": found.flair, "t1": found.t1, "t2": found.t2})
        if found.flair is None and listLoadedVolumes():
            self.tell(_("No FLAIR image was recognized: choose it above."), "warning")
        elif found.notes:
            self.tell(" ".join(found.notes), "note")

    def guessWhereEmpty(self) -> None:
        """Guess when nothing is chosen yet: entering the module, or images just loaded."""
        if self.node("flair") is None:
            self.guess()

    def tell(self, text: str, kind: str) -> None:
        """Say one sentence below the selectors, after the warnings of the contrast check."""
        self._said, self._kind = text, kind
        self._showMessage()

    def forget(self) -> None:
        """The scene is closing."""
        self._checking.stop()
        self._unchecked = []

    def onFlairChanged(self, _node) -> None:
        self._slotChanged("flair")

    def onT1Changed(self, _node) -> None:
        self._slotChanged("t1")

    def onT2Changed(self, _node) -> None:
        self._slotChanged("t2")

    def onCaseEdited(self, text: str) -> None:
        self._nameIsOurs = not text.strip()

    def onLoadFolderClicked(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Exam folder"))
        if folder:
            self._loadFolder(Path(folder))

    def onOpenDicomClicked(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Folder with DICOM files"))
        if folder:
            self._openDicom(Path(folder))

    def onSampleClicked(self) -> None:
        self._loadSample()

    def onGuessClicked(self) -> None:
        self.guess(self.node("flair"))

    def _slotChanged(self, slot: str) -> None:
        if not self.isUpdating:
            self._check(slot)
            self._changed()

    def _check(self, *slots: str) -> None:
        """Look at the contrast of these slots, one per turn of the event loop."""
        for slot in slots:
            self._warnings.pop(slot, None)
        self._unchecked = [slot for slot in SLOTS if slot in (*self._unchecked, *slots)]
        self._checking.start(self._checkingSlots(), lambda _problem: None)

    def _checkingSlots(self) -> Work[None]:
        while self._unchecked:
            slot = self._unchecked.pop(0)
            node = self.node(slot)
            if node is not None and node.GetImageData() is not None and node.GetImageData().GetNumberOfPoints():
                warning = check_contrast(slot, slicer.util.arrayFromVolume(node), node.GetSpacing())
                if warning:
                    self._warnings[slot] = warning
            self._showMessage()
            yield

    def _showMessage(self) -> None:
        warnings = [self._warnings[slot] for slot in SLOTS if slot in self._warnings]
        kind = "warning" if warnings and self._kind == "note" else self._kind
        showMessage(self.ui.examMessage, " ".join(filter(None, (*warnings, self._said))), kind)

    def _changed(self) -> None:
        flair = self.node("flair")
        if self._nameIsOurs:
            self.ui.caseEdit.text = (findPatientName(flair) or flair.GetName()) if flair is not None else ""
        self.tell("", "note")
        self._onChanged()
