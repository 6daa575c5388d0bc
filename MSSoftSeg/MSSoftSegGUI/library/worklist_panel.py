"""The worklist: a table of the library's cases, and what is asked before another one is opened."""

from __future__ import annotations

from collections.abc import Callable

import qt
from slicer.i18n import tr as _

from MSSoftSegGUI.library.worklist import FILTERS, NOBODY, ORDERS, OWN, TO_DO
from MSSoftSegGUI.library.worklist_rows import list_columns, say_status
from MSSoftSegGUI.widgets.panel import Panel, fillCombo, findColor, showMessage
from MSSoftSegGUI.widgets.table_fit import fitColumns

STATUS_COLORS = {"approved": "accepted", "excluded": "rejected"}
# A date; and what is left of long lists of raters (column 5), then of a status (1), then of long names of cases (0).
CHANGED_PX, LEAST_PX = 78, {5: 36, 1: 52, 0: 40}


class WorklistPanel(Panel):
    """Table and buttons. onNext: opens the case after the one on the table."""

    def __init__(self, uiPath: str, *, onNext: Callable[[], None]) -> None:
        super().__init__(uiPath)
        self.setIcons({"openButton": "Folder", "openNextButton": "Next"})
        self._presenter = None
        self._rows: tuple = ()
        self._startRaters: tuple[str, ...] = ()
        self._details = ""
        ui = self.ui
        fillCombo(ui.statusFilterCombo, [(name, _filterWord(name)) for name in FILTERS], TO_DO)
        fillCombo(ui.orderCombo, [(name, _orderWord(name)) for name in ORDERS], ORDERS[0])
        self._fillStart(())
        self._setUpTable()
        ui.statusFilterCombo.connect("currentIndexChanged(int)", self.onChoiceChanged)
        ui.orderCombo.connect("currentIndexChanged(int)", self.onChoiceChanged)
        ui.startCombo.connect("currentIndexChanged(int)", self.onStartChanged)
        ui.worklistTable.connect("currentCellChanged(int,int,int,int)", self.onCurrentCellChanged)
        ui.worklistTable.connect("cellDoubleClicked(int,int)", self.onCellDoubleClicked)
        for name, action in (
            ("refresh", lambda: self._presenter.refresh()),
            ("open", lambda: self._presenter.open_selected()),
            ("openNext", onNext),
            ("saveFirst", lambda: self._presenter.save_first()),
            ("openAnyway", lambda: self._presenter.open_anyway()),
            ("stay", lambda: self._presenter.stay()),
            ("worklistDetails", lambda: qt.QApplication.clipboard().setText(self._details)),
        ):
            getattr(ui, f"{name}Button").connect("clicked(bool)", lambda _checked=False, act=action: act())

    def setPresenter(self, presenter) -> None:
        """Whom to ask; it in turn shows its views here."""
        self._presenter = presenter
        self.show(presenter.view)

    def show(self, view) -> None:
        """Make the widgets say what the presenter's view says."""
        ui = self.ui
        with self.updating():
            if view.rows != self._rows:
                self._showRows(view.rows)
            cases = [row.case for row in view.rows]
            if view.selected in cases:
                if ui.worklistTable.currentRow() != cases.index(view.selected):
                    ui.worklistTable.setCurrentCell(cases.index(view.selected), 0)
            else:
                ui.worklistTable.setCurrentCell(-1, -1)
            row = view.row_of(view.selected)
            self._fillStart(row.raters if row is not None else ())
            isBusy = view.is_opening or bool(view.asked)
            ui.openButton.enabled = bool(view.selected) and not isBusy
            ui.openNextButton.enabled = bool(view.rows) and not isBusy
            ui.refreshButton.enabled = not view.is_loading
            self._showQuestion(view)
            showMessage(ui.worklistMessage, view.message, view.message_kind)
            self._details = view.details
            ui.worklistDetailsButton.visible = bool(view.details)

    def onChoiceChanged(self, _index=None) -> None:
        if not self.isUpdating:
            self._presenter.choose(filter=self.ui.statusFilterCombo.currentData, order=self.ui.orderCombo.currentData)

    def onStartChanged(self, _index=None) -> None:
        if not self.isUpdating:
            self._presenter.start_from(self.ui.startCombo.currentData)

    def onCurrentCellChanged(self, row: int, _column: int, _before: int, _beforeColumn: int) -> None:
        if not self.isUpdating and 0 <= row < len(self._rows):
            self._presenter.select(self._rows[row].case)

    def onCellDoubleClicked(self, row: int, _column: int) -> None:
        if 0 <= row < len(self._rows):
            self._presenter.select(self._rows[row].case)
            self._presenter.open_selected()

    def _showQuestion(self, view) -> None:
        ui, isAsked = self.ui, bool(view.asked)
        text = _("{what} is in no library yet. Open {case}?").format(what=view.unsaved, case=view.asked)
        showMessage(ui.unsavedMessage, text if isAsked else "", "warning")
        for name in ("saveFirst", "openAnyway", "stay"):
            getattr(ui, f"{name}Button").visible = isAsked

    def _showRows(self, rows) -> None:
        table = self.ui.worklistTable
        self._rows = rows
        table.setRowCount(len(rows))
        for index, row in enumerate(rows):
            for column, text in enumerate(row.texts):
                item = qt.QTableWidgetItem(text)
                # All of what the column may have no room for.
                item.setToolTip("\n".join(filter(None, (text, row.notes))))
                if row.status in STATUS_COLORS:
                    item.setForeground(qt.QBrush(findColor(STATUS_COLORS[row.status], self.widget)))
                table.setItem(index, column, item)
        for column in range(table.columnCount - 1):
            table.resizeColumnToContents(column)
        self._fitColumns()

    def _fitColumns(self) -> None:
        fitColumns(self.ui.worklistTable, last_px=CHANGED_PX, least_px=LEAST_PX)

    def _setUpTable(self) -> None:
        table, titles = self.ui.worklistTable, list_columns()
        table.setColumnCount(len(titles))
        table.setHorizontalHeaderLabels([title for title, _hint in titles])
        for column, (_title, hint) in enumerate(titles):
            table.horizontalHeaderItem(column).setToolTip(hint)
        table.verticalHeader().visible = False
        table.verticalHeader().defaultSectionSize = 22
        font = table.horizontalHeader().font
        font.setPointSizeF(0.85 * font.pointSizeF())
        table.horizontalHeader().font = font
        table.horizontalHeader().setStretchLastSection(True)
        table.resizeColumnsToContents()
        # It takes what is left, and stretching never makes a column narrower than it was.
        table.setColumnWidth(len(titles) - 1, CHANGED_PX)
        table.horizontalScrollBar().connect("rangeChanged(int,int)", lambda _least, _most: self._fitColumns())

    def _fillStart(self, raters) -> None:
        """One's own mask or the newest, each rater's, or nothing; what was chosen stays chosen where it can."""
        combo = self.ui.startCombo
        if combo.count and raters == self._startRaters:
            return
        self._startRaters = raters
        chosen = combo.currentData if combo.count else OWN
        entries = [(OWN, _("My mask, else the newest")), *((name, name) for name in raters)]
        entries.append((NOBODY, _("Nothing: an empty drawing")))
        fillCombo(combo, entries, chosen)
        if self._presenter is not None and combo.currentData != chosen:
            self._presenter.start_from(combo.currentData)


def _filterWord(name: str) -> str:
    words = {TO_DO: _("Not yet approved"), "all": _("All cases")}
    return words.get(name) or say_status(name).capitalize()


def _orderWord(name: str) -> str:
    words = {"uncertainty": _("Most uncertain first"), "status": _("By status"), "case": _("By name")}
    return words[name]
