"""The environment page: what is installed for the worker, and the one step that mends what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.environment.hd_bet import find_python, make_question
from MSSoftSegGUI.widgets.panel import Panel, findColor, showMessage


class EnvironmentPanel(Panel):
    """Findings, installation and weights. install is called after nothing but a click: it asks the user itself."""

    def __init__(self, uiPath: str, *, install: Callable[[], None], onPython: Callable[[str], None]):
        super().__init__(uiPath)
        self.setIcons({"checkButton": "Environment"})
        self._presenter = None
        self._onPython = onPython
        ui = self.ui
        ui.pythonEdit.comboBox().lineEdit().placeholderText = _("Slicer’s own")
        ui.pythonEdit.connect("currentPathChanged(QString)", self.onPythonChanged)
        ui.slicerPythonButton.connect("clicked(bool)", self.onSlicerPythonClicked)
        ui.checkButton.connect("clicked(bool)", self.onCheckClicked)
        ui.installButton.connect("clicked(bool)", lambda _checked=False: install())
        ui.copyButton.connect("clicked(bool)", self.onCopyClicked)
        ui.importModelButton.connect("clicked(bool)", self.onImportModelClicked)
        ui.installHdBetButton.connect("clicked(bool)", self.onInstallHdBetClicked)
        ui.hdBetWeightsButton.connect("clicked(bool)", self.onHdBetWeightsClicked)
        ui.deleteModelsButton.connect("clicked(bool)", self.onDeleteModelsClicked)
        table = ui.findingsTable
        table.setHorizontalHeaderLabels([_("What"), _("Found"), _("To mend it")])
        table.verticalHeader().visible = False
        table.horizontalScrollBarPolicy = qt.Qt.ScrollBarAlwaysOff
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        table.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.ResizeToContents)

    def setPresenter(self, presenter) -> None:
        """Whom to ask; it in turn shows its views here."""
        self._presenter = presenter

    @property
    def python(self) -> str:
        """The interpreter that the user picked, empty for Slicer's own."""
        return self.ui.pythonEdit.currentPath.strip()

    def choosePython(self, path: str) -> None:
        """Set the interpreter, as a saved scene or setting says."""
        with self.updating():
            self.ui.pythonEdit.currentPath = path

    def tell(self, text: str, kind: str) -> None:
        """Say one sentence."""
        showMessage(self.ui.environmentMessage, text, kind)

    def show(self, view) -> None:
        """Make the widgets say what the presenter's view says."""
        ui = self.ui
        ui.environmentBar.visible = view.is_busy
        for name in ("check", "install", "importModel", "deleteModels", "installHdBet", "hdBetWeights"):
            getattr(ui, f"{name}Button").enabled = not view.is_busy
        self.tell(view.message, "error" if view.is_error else "note")
        table = ui.findingsTable
        table.setRowCount(len(view.rows))
        # What is to be mended stands first.
        for index, row in enumerate(sorted(view.rows, key=lambda each: not each.remedy)):
            for column, text in enumerate((row.topic, row.state, row.remedy or "")):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(text)
                if row.remedy and not row.is_optional:
                    item.setForeground(qt.QBrush(findColor("error", self.widget)))
                table.setItem(index, column, item)
        table.resizeRowsToContents()

    def onPythonChanged(self, path: str) -> None:
        if not self.isUpdating:
            self._onPython(path.strip())

    def onSlicerPythonClicked(self) -> None:
        self.ui.pythonEdit.currentPath = ""

    def onCheckClicked(self) -> None:
        self._presenter.check()

    def onCopyClicked(self) -> None:
        qt.QApplication.clipboard().setText(self._presenter.diagnostics())
        self.tell(_("Copied."), "note")

    def onImportModelClicked(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Folder of the model bundle"))
        if folder:
            self._presenter.import_weights(Path(folder))

    def onInstallHdBetClicked(self) -> None:
        if not slicer.util.confirmOkCancelDisplay(make_question(), windowTitle=_("Install HD-BET")):
            return
        python = self.python or find_python(slicer.util.startupEnvironment().get("PATH", ""))
        if not python:
            title = _("Python 3.11 or 3.12 that HD-BET’s environment is made from")
            python = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title)
        if python:
            self._presenter.install_hd_bet(python)

    def onHdBetWeightsClicked(self) -> None:
        title = _("release_v1.5.0.zip of Zenodo record 14445620")
        archive = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, "", "*.zip")
        if archive:
            self._presenter.install_hd_bet_weights(Path(archive))

    def onDeleteModelsClicked(self) -> None:
        question = _("Remove every imported or downloaded model from this computer? The model that ships stays.")
        if slicer.util.confirmOkCancelDisplay(question, windowTitle=_("Delete models")):
            self._presenter.delete_downloaded()
