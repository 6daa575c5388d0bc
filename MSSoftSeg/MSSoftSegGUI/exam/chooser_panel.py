"""The chooser among the images of a folder, below the buttons that ask for one. Shows and passes on; it decides nothing."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from MSSoftSegGUI.scene.state import SLOTS
from MSSoftSegGUI.widgets.panel import fillCombo, showMessage


class ChooserWidgets:
    """panel: the exam's, which holds the widgets."""

    def __init__(self, panel) -> None:
        self._panel, self._ui, self._chooser = panel, panel.ui, None
        self._combos = {slot: getattr(self._ui, f"chosen{slot.capitalize()}Combo") for slot in SLOTS}
        self._reasons = {slot: getattr(self._ui, f"chosen{slot.capitalize()}Reason") for slot in SLOTS}
        for slot, combo in self._combos.items():
            combo.connect("currentIndexChanged(int)", lambda _index, slot=slot: self.onImageChosen(slot))
        self._ui.visitCombo.connect("currentIndexChanged(int)", self.onVisitChosen)
        self._ui.takeButton.connect("clicked(bool)", self.onTakeClicked)
        self._ui.closeChooserButton.connect("clicked(bool)", self.onCloseClicked)

    def setChooser(self, chooser) -> None:
        """Whom to tell; it in turn shows its views here."""
        self._chooser = chooser

    def show(self, view) -> None:
        """Make the widgets say what the chooser's view says."""
        ui = self._ui
        with self._panel.updating():
            isLooking = view.phase in ("looking", "loading")
            ui.chooserFrame.visible = view.phase != "closed"
            for name in ("loadFolderButton", "openDicomButton"):
                getattr(ui, name).enabled = not isLooking
            self._showVisits(view)
            for slot in SLOTS:
                self._showSlot(slot, view)
            text = "\n".join(view.unused)
            if ui.unusedEdit.plainText != text:
                ui.unusedEdit.setPlainText(text)
            ui.unusedEdit.visible = bool(text)
            ui.takeButton.visible = view.phase != "looking"
            ui.takeButton.enabled = view.can_load
            showMessage(ui.chooserMessage, view.message, view.message_kind)

    def onVisitChosen(self, _index=None) -> None:
        if not self._panel.isUpdating:
            self._chooser.pick_visit(self._ui.visitCombo.currentData)

    def onImageChosen(self, slot: str) -> None:
        if not self._panel.isUpdating:
            self._chooser.pick(slot, self._combos[slot].currentData)

    def onTakeClicked(self) -> None:
        self._chooser.take()

    def onCloseClicked(self) -> None:
        self._chooser.close()

    def _showVisits(self, view) -> None:
        ui = self._ui
        several = len(view.visits) > 1
        entries = [(-1, _("Choose a visit…"))] if view.visit < 0 else []
        fillCombo(ui.visitCombo, entries + list(enumerate(view.visits)), view.visit)
        for widget in (ui.visitLabel, ui.visitCombo):
            widget.visible = bool(view.visits)
        ui.visitCombo.enabled = several

    def _showSlot(self, slot: str, view) -> None:
        combo, reason, choice = self._combos[slot], self._reasons[slot], view.slots.get(slot)
        for widget in (combo, getattr(self._ui, f"chosen{slot.capitalize()}Label")):
            widget.visible = choice is not None
        combo.enabled = view.phase == "choosing"
        if choice is None:
            showMessage(reason, "")
            return
        fillCombo(combo, choice.options, choice.chosen)
        for index, (_key, text) in enumerate(choice.options):
            combo.setItemData(index, text, qt.Qt.ToolTipRole)
        showMessage(reason, choice.reason, "warning" if choice.is_doubtful else "note")
