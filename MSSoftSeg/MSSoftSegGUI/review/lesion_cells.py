"""The cells of the lesion table: only what has changed is written, and while a slider is held only what is in sight."""

from __future__ import annotations

from collections.abc import Sequence

import qt

from MSSoftSegGUI.widgets.panel import findColor


class LesionCells:
    """Writes rows into a table. widget: whose theme the colors are for."""

    def __init__(self, table, widget) -> None:
        self._table, self._widget = table, widget
        self._rows: Sequence = ()
        # Row by row: what each cell says, its tip, and the decision that it is drawn in; () while it was never written.
        self._cells: list[tuple[tuple[str, str, str], ...]] = []

    def take(self, rows: Sequence) -> None:
        """These are the rows from now on; their cells are not written yet."""
        count, self._rows = len(rows), rows
        if len(self._cells) != count:
            self._cells = [*self._cells[:count], *[()] * (count - len(self._cells))]
            self._table.setRowCount(count)

    def write(self, columns: Sequence, *, all_rows: bool) -> None:
        """Write what has changed, in all rows or in those in sight: of hundreds of lesions these are a dozen."""
        for index in range(len(self._rows)) if all_rows else self._inSight():
            row, before = self._rows[index], self._cells[index]
            cells = tuple((column.text(row), column.tip(row), row.status) for column in columns)
            # Most cells stay as they are, and asking Qt for each of thousands takes longer than drawing.
            for number, cell in enumerate(cells):
                if not before or before[number] != cell:
                    self._set(index, number, *cell, before=before[number][-1] if before else "")
            self._cells[index] = cells

    def _inSight(self) -> range:
        first, last = self._table.rowAt(0), self._table.rowAt(self._table.viewport().height - 1)
        return range(max(first, 0), min(last + 1, len(self._rows)) if last >= 0 else len(self._rows))

    def _set(self, row: int, column: int, text: str, tip: str, status: str, *, before: str) -> None:
        """before: the decision that the cell is drawn in so far, "" = none."""
        item = self._table.item(row, column)
        if item is None:
            item = qt.QTableWidgetItem()
            item.setTextAlignment(qt.Qt.AlignCenter)
            self._table.setItem(row, column, item)
        item.setText(text)
        item.setToolTip(tip)
        if before != status:
            font = item.font()
            font.setStrikeOut(status == "rejected")
            item.setFont(font)
            color = findColor(status, self._widget)
            item.setForeground(qt.QBrush(color) if color else qt.QBrush())
