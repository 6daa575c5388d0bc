"""The results of a cohort as a worklist: a table by suspicion, and opening one exam after the other."""

from __future__ import annotations

from pathlib import Path

import qt
from slicer.i18n import tr as _

from MSSoftSegGUI.library.cohort_table import PAGE
from MSSoftSegGUI.widgets.panel import Panel, findColor, showMessage


class CohortPanel(Panel):
    """Folder, table and buttons."""

    def __init__(self, uiPath: str) -> None:
        super().__init__(uiPath)
        self.setIcons({"openExamButton": "Folder", "openNextExamButton": "Next"})
        self._presenter, self._rows, self._seen = None, (), frozenset()
        ui, table = self.ui, self.ui.cohortTable
        titles = (_("Exam"), _("Doubts"), _("Lesions"), _("ml"), _("PSU"), _("Why"))
        table.setColumnCount(len(titles))
        table.setHorizontalHeaderLabels(list(titles))
        table.verticalHeader().visible = False
        table.horizontalHeader().setStretchLastSection(True)
        table.connect("currentCellChanged(int,int,int,int)", self.onCurrentCellChanged)
        table.connect("cellDoubleClicked(int,int)", self.onCellDoubleClicked)
        ui.cohortEdit.connect("currentPathChanged(QString)", lambda path: self._presenter.set_cohort(path.strip()))
        ui.cohortImagesEdit.connect(
            "currentPathChanged(QString)", lambda path: self._presenter.set_images(path.strip())
        )
        ui.openExamButton.connect("clicked(bool)", lambda _checked=False: self._presenter.open_selected())
        ui.openNextExamButton.connect("clicked(bool)", lambda _checked=False: self._presenter.open_next())
        ui.cohortPageButton.connect("clicked(bool)", self.onPageClicked)

    def setPresenter(self, presenter) -> None:
        """Whom to ask; it in turn shows its views here."""
        self._presenter = presenter
        self.show(presenter.view)

    def show(self, view) -> None:
        """Make the widgets say what the presenter's view says."""
        ui = self.ui
        with self.updating():
            if view.rows != self._rows or view.seen != self._seen:
                self._showRows(view)
            names = [row.name for row in view.rows]
            row = names.index(view.selected) if view.selected in names else -1
            if ui.cohortTable.currentRow() != row:
                ui.cohortTable.setCurrentCell(row, 0 if row >= 0 else -1)
            selected = view.row_of(view.selected)
            ui.openExamButton.enabled = selected is not None and selected.has_result
            ui.openNextExamButton.enabled = any(each.has_result for each in view.rows)
            ui.cohortPageButton.enabled = bool(view.rows)
            for widget in (ui.cohortImagesEdit, ui.cohortImagesLabel):
                widget.visible = view.needs_images or bool(ui.cohortImagesEdit.currentPath)
            showMessage(ui.cohortMessage, view.message, view.message_kind)

    def onCurrentCellChanged(self, row: int, _column: int, _before: int, _beforeColumn: int) -> None:
        if not self.isUpdating and 0 <= row < len(self._rows):
            self._presenter.select(self._rows[row].name)

    def onCellDoubleClicked(self, row: int, _column: int) -> None:
        if 0 <= row < len(self._rows):
            self._presenter.select(self._rows[row].name)
            self._presenter.open_selected()

    def onPageClicked(self) -> None:
        page = Path(self.ui.cohortEdit.currentPath.strip()) / PAGE
        if not page.is_file() or not qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(page))):
            showMessage(self.ui.cohortMessage, _("There is no {page} in this folder.").format(page=PAGE), "warning")

    def _showRows(self, view) -> None:
        table = self.ui.cohortTable
        self._rows, self._seen = view.rows, view.seen
        table.setRowCount(len(view.rows))
        for index, row in enumerate(view.rows):
            for column, text in enumerate(row.texts):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(row.reasons or text)
                if row.name in view.seen:
                    item.setForeground(qt.QBrush(findColor("accepted", self.widget)))
                table.setItem(index, column, item)
        for column in range(table.columnCount - 1):
            table.resizeColumnToContents(column)
