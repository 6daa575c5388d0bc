"""Cases of the library in the layout that another tool reads."""

from __future__ import annotations

from collections.abc import Callable

import qt
from slicer.i18n import tr as _

from MSSoftSegGUI.library.export_presenter import (
    APPROVED,
    DICOM,
    FORMATS,
    ExportChoices,
    list_case_choices,
    list_formats,
)
from MSSoftSegGUI.widgets.panel import Panel, fillCombo, showMessage


class LibraryExportPanel(Panel):
    """Choices, the button and what came of it. onExport: exports, or cancels the export that is under way."""

    def __init__(self, uiPath: str, *, onExport: Callable[[], None]) -> None:
        super().__init__(uiPath)
        self._details = ""
        ui = self.ui
        fillCombo(ui.exportFormatCombo, list_formats(), FORMATS[0])
        fillCombo(ui.exportCasesCombo, list_case_choices(), APPROVED)
        ui.exportFormatCombo.connect("currentIndexChanged(int)", self.onFormatChanged)
        ui.exportButton.connect("clicked(bool)", lambda _checked=False: onExport())
        ui.exportDetailsButton.connect("clicked(bool)", self.onCopyDetailsClicked)
        self.onFormatChanged()

    def choices(self) -> ExportChoices:
        """What is chosen."""
        ui = self.ui
        return ExportChoices(
            format=ui.exportFormatCombo.currentData,
            which=ui.exportCasesCombo.currentData,
            out=ui.exportFolderEdit.currentPath.strip(),
            dicom=ui.exportDicomEdit.currentPath.strip(),
        )

    def show(self, view) -> None:
        """Make the widgets say what the presenter's view says."""
        ui = self.ui
        ui.exportButton.text = _("Cancel") if view.is_busy else _("Export")
        showMessage(ui.exportMessage, view.message, view.message_kind)
        self._details = view.details
        ui.exportDetailsButton.visible = bool(view.details)

    def onFormatChanged(self, _index=None) -> None:
        isDicom = self.ui.exportFormatCombo.currentData == DICOM
        self.ui.exportDicomEdit.visible = self.ui.exportDicomLabel.visible = isDicom

    def onCopyDetailsClicked(self) -> None:
        qt.QApplication.clipboard().setText(self._details)
