"""The section "Compare with the prior": what to compare with, how far it is, and the table of what changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.prior.columns import change_columns
from MSSoftSegGUI.prior.decisions import CLASSES, REJECTED
from MSSoftSegGUI.prior.reading import say_class
from MSSoftSegGUI.widgets.line_breaks import keep_parts_together
from MSSoftSegGUI.widgets.panel import Panel, fillCombo, findColor, showMessage

KEEP_SETTING = "MSSoftSeg/Comparisons"
# The review's own, for as long as changes are what is looked at.
KEYS = {"A": "acceptChangeButton", "X": "rejectChangeButton", "U": "undoChangeButton", "Z": "undoChangeButton"}
# "accepted" in a small font; a longer word is cut and stands in the tool tip.
LAST_COLUMN_PX = 58
STATUS_COLORS = {"accepted": "accepted", "reclassed": "accepted", "rejected": "rejected"}


class PriorPanel(Panel):
    """onViews(shown): side by side or not; onKeep: another folder for comparisons; onPage: the comparison's page; onPair(name):
    other two visits of it; onAgain: the same visits, compared anew.
    """

    def __init__(
        self,
        uiPath: str,
        *,
        onViews: Callable[[bool], None],
        onKeep: Callable[[], None],
        onPage: Callable[[], None],
        onPair: Callable[[str], None],
        onAgain: Callable[[], None],
    ) -> None:
        super().__init__(uiPath)
        self._compare = self._reading = None
        self._groups: list[int] = []
        self._details = ""
        self._onKeep = onKeep
        self.setIcons({"acceptChangeButton": "Accept", "rejectChangeButton": "Reject", "undoChangeButton": "Undo"})
        ui = self.ui
        ui.keepComparisonEdit.currentPath = slicer.util.settingsValue(KEEP_SETTING, "")
        ui.priorCombo.connect("currentIndexChanged(int)", self.onPriorChanged)
        ui.priorFolderButton.connect("clicked(bool)", self.onFolderClicked)
        ui.comparePriorButton.connect("clicked(bool)", lambda _checked=False: self._compare.toggle())
        ui.priorRaterCombo.connect("activated(int)", self.onRaterChosen)
        ui.compareAgainButton.connect("clicked(bool)", lambda _checked=False: onAgain())
        ui.priorDetailsButton.connect("clicked(bool)", self.onCopyDetailsClicked)
        ui.keepComparisonEdit.connect("currentPathChanged(QString)", self.onKeepChanged)
        ui.changeViewsButton.connect("toggled(bool)", lambda shown: None if self.isUpdating else onViews(shown))
        ui.changePageButton.connect("clicked(bool)", lambda _checked=False: onPage())
        ui.changePairCombo.connect("activated(int)", lambda _index: onPair(ui.changePairCombo.currentData or ""))
        ui.changeTable.connect("cellClicked(int,int)", self.onCellClicked)
        ui.changeTable.connect("currentCellChanged(int,int,int,int)", self.onCurrentCellChanged)
        ui.acceptChangeButton.connect("clicked(bool)", lambda _checked=False: self._reading.accept())
        ui.rejectChangeButton.connect("clicked(bool)", lambda _checked=False: self._reading.reject())
        ui.undoChangeButton.connect("clicked(bool)", lambda _checked=False: self._reading.undo())
        ui.reclassCombo.connect("activated(int)", self.onReclassed)
        self._setUpTable()
        self._shortcuts = [self._shortcut(key, getattr(ui, button)) for key, button in KEYS.items()]
        self.setKeysActive(False)

    def setKeysActive(self, active: bool) -> None:
        """Whether the keys decide on changes."""
        for shortcut in self._shortcuts:
            shortcut.enabled = active

    def removeShortcuts(self) -> None:
        """Give the keys back: the module is unloaded."""
        for shortcut in self._shortcuts:
            shortcut.setParent(None)
        self._shortcuts = []

    def setPresenters(self, compare, reading) -> None:
        """Whom to ask; they in turn show their views here."""
        self._compare, self._reading = compare, reading
        self.show(compare.view)
        self.showReading(reading.view)

    @property
    def keepFolder(self) -> str:
        """Where comparisons stay, "" for as long as Slicer is open."""
        return self.ui.keepComparisonEdit.currentPath.strip()

    def show(self, view) -> None:
        """What can be compared, and how far it is."""
        ui, isIdle = self.ui, not view.is_running
        with self.updating():
            fillCombo(ui.priorCombo, [(each.key, each.title) for each in view.candidates], view.chosen)
            ui.priorCombo.enabled = isIdle and bool(view.candidates)
            ui.priorFolderButton.enabled = ui.compareAgainButton.enabled = ui.priorRaterCombo.enabled = isIdle
            latest = _("{rater} (the latest)")
            raters = [
                ("" if not n else each, latest.format(rater=each) if not n else each)
                for n, each in enumerate(view.raters)
            ]
            fillCombo(ui.priorRaterCombo, raters, view.rater if view.rater != next(iter(view.raters), "") else "")
            ui.priorRaterCombo.visible = ui.priorRaterLabel.visible = bool(raters)
            ui.comparePriorButton.text = _("Compare") if isIdle else _("Cancel")
            canStart = view.candidate is not None and not view.hint
            ui.comparePriorButton.enabled = canStart if isIdle else view.phase != "cancelling"
            ui.priorProgressBar.visible = ui.priorProgressLabel.visible = not isIdle
            ui.priorProgressBar.value = round(10 * view.percent)
            ui.priorProgressBar.format = f"{view.percent:.0f} %"
            words = (view.case_name, view.stage_text, view.remaining_text)
            ui.priorProgressLabel.text = " · ".join(filter(None, words))
        if view.error is not None:
            showMessage(ui.priorMessage, f"{view.error.what}\n{view.error.remedy}", "error")
        else:
            showMessage(ui.priorMessage, view.note or (view.hint if isIdle else ""))
        ui.priorDetailsButton.visible = view.error is not None
        self._details = view.error.details if view.error is not None else ""

    def showReading(self, view) -> None:
        """What changed, and what was said of it; what else differs between the visits stands first."""
        ui = self.ui
        with self.updating():
            showMessage(ui.changeWarnings, "\n".join(view.findings), "warning")
            showMessage(ui.changeMessage, view.message, "error")
            showMessage(ui.changedMasks, view.changed_text, "warning")
            ui.compareAgainButton.visible = bool(view.changed_text)
            ui.changeSummary.text = keep_parts_together(view.summary_text)
            ui.changeMasks.text = view.masks_text
            fillCombo(ui.changePairCombo, [(each.name, each.title) for each in view.pairs], view.pair)
            ui.changePairCombo.visible = view.is_open and len(view.pairs) > 1
            self._showRows(view)
            ui.changeDetail.text = view.detail_text
            for name in ("changeSummary", "changeMasks", "changeTable", "changeDetail", "changeBox"):
                getattr(ui, name).visible = view.is_open
            row = view.row_of(view.selected)
            for name in ("acceptChangeButton", "rejectChangeButton", "reclassCombo"):
                getattr(ui, name).enabled = row is not None
            entries = [("", _("Is…")), *((change, say_class(change)) for change in CLASSES)]
            fillCombo(ui.reclassCombo, entries, "")
            ui.undoChangeButton.enabled = view.can_undo

    def setViewsShown(self, shown: bool) -> None:
        """Whether the visits stand side by side."""
        with self.updating():
            self.ui.changeViewsButton.checked = shown

    def onPriorChanged(self, _index: int) -> None:
        if not self.isUpdating:
            self._compare.choose(self.ui.priorCombo.currentData or "")

    def onRaterChosen(self, _index: int) -> None:
        if not self.isUpdating:
            self._compare.choose_rater(self.ui.priorRaterCombo.currentData or "")

    def onFolderClicked(self, _checked=False) -> None:
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Folder of the earlier visit"))
        if folder:
            self._compare.pick_folder(Path(folder))

    def onKeepChanged(self, path: str) -> None:
        if not self.isUpdating:
            slicer.app.settings().setValue(KEEP_SETTING, path.strip())
            self._onKeep()

    def onCellClicked(self, row: int, _column: int) -> None:
        if 0 <= row < len(self._groups):
            self._reading.select(self._groups[row])

    def onCurrentCellChanged(self, row: int, _column: int, before: int, _beforeColumn: int) -> None:
        # Arrow keys; a click comes through cellClicked as well, which selecting twice would blink twice.
        if not self.isUpdating and row != before and self.ui.changeTable.focus and not qt.QApplication.mouseButtons():
            self.onCellClicked(row, 0)

    def onReclassed(self, _index: int) -> None:
        change = self.ui.reclassCombo.currentData
        if change and not self.isUpdating:
            self._reading.reclass(change)

    def onCopyDetailsClicked(self, _checked=False) -> None:
        qt.QApplication.clipboard().setText(self._details)

    def _shortcut(self, key: str, button):
        shortcut = qt.QShortcut(slicer.util.mainWindow() or self.widget)
        shortcut.setKey(qt.QKeySequence(key))
        shortcut.connect("activated()", button.click)
        return shortcut

    def _setUpTable(self) -> None:
        table, header = self.ui.changeTable, self.ui.changeTable.horizontalHeader()
        self._columns = change_columns()
        table.setColumnCount(len(self._columns))
        table.setHorizontalHeaderLabels([column.head for column in self._columns])
        for number, column in enumerate(self._columns):
            table.horizontalHeaderItem(number).setToolTip(column.hint)
        table.verticalHeader().visible = False
        table.verticalHeader().defaultSectionSize = 22
        font = header.font
        font.setPointSizeF(0.85 * font.pointSizeF())
        header.font = font
        header.setStretchLastSection(True)
        table.resizeColumnsToContents()
        # It takes what is left, and stretching never makes a column narrower than it was.
        table.setColumnWidth(len(self._columns) - 1, LAST_COLUMN_PX)

    def _showRows(self, view) -> None:
        table = self.ui.changeTable
        self._groups = [row.id for row in view.rows]
        if table.rowCount != len(view.rows):
            table.setRowCount(len(view.rows))
        for index, row in enumerate(view.rows):
            decision = view.decision_of(row)
            for number, column in enumerate(self._columns):
                self._setCell(index, number, column.text(view, row), decision, row.reason)
        if view.selected in self._groups:
            table.setCurrentCell(self._groups.index(view.selected), 0)
        else:
            table.clearSelection()
        for column in range(table.columnCount - 1):
            table.resizeColumnToContents(column)

    def _setCell(self, row: int, column: int, text: str, decision: str, hint: str) -> None:
        item = self.ui.changeTable.item(row, column)
        if item is None:
            item = qt.QTableWidgetItem()
            self.ui.changeTable.setItem(row, column, item)
        item.setText(text)
        item.setToolTip(hint or text)
        font = item.font()
        font.setStrikeOut(decision == REJECTED)
        item.setFont(font)
        color = findColor(STATUS_COLORS.get(decision, ""), self.widget)
        item.setForeground(qt.QBrush(color) if color else qt.QBrush())
