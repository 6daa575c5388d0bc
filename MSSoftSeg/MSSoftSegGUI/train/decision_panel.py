"""The last part of step 7: what the comparison found, and three buttons."""

from __future__ import annotations

from collections.abc import Callable

import qt
from slicer.i18n import tr as _

from MSSoftSegGUI.widgets.panel import findColor, isDark, showMessage
from MSSoftSegGUI.widgets.theme_colors import find_style

VERDICT_KINDS = {"better": "accepted", "worse": "error"}
MOST_PX = 300


class DecisionPanel:
    """Widgets of the training section's file, by their names in ``ui``. decide: with default, candidate or discard."""

    def __init__(self, ui, *, compare: Callable[[], None], decide: Callable[[str], None]) -> None:
        self.ui = ui
        ui.compareModelsButton.connect("clicked(bool)", lambda _checked=False: compare())
        for name, decision in (("promote", "default"), ("candidate", "candidate"), ("discard", "discard")):
            getattr(ui, f"{name}Button").connect(
                "clicked(bool)", lambda _checked=False, decision=decision: decide(decision)
            )
        heads = {
            "measuresTable": [_("Mean"), _("Old"), _("New"), _("New − old")],
            "casesTable": [_("Case"), _("Old"), _("New"), _("Δ DSC")],
        }
        for name, titles in heads.items():
            table = getattr(ui, name)
            table.setHorizontalHeaderLabels(titles)
            table.verticalHeader().visible = False
            table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
            table.horizontalHeader().setSectionResizeMode(3, qt.QHeaderView.Stretch)

    def show(self, view) -> None:
        """The verdict first; what to do about it next; then the numbers."""
        ui = self.ui
        ui.judgmentBox.visible = view.phase != "none"
        ui.verdictLabel.text = view.verdict_text
        judged = view.phase in ("judged", "deciding", "decided") and view.verdict
        style = find_style(VERDICT_KINDS.get(view.verdict, "warning"), is_dark=isDark(ui.verdictLabel), bold=True)
        ui.verdictLabel.styleSheet = style if judged else ""
        for name in ("promote", "candidate", "discard"):
            button = getattr(ui, f"{name}Button")
            button.visible = view.phase in ("judged", "deciding")
            button.enabled = view.can_decide
        suggested = view.can_decide and view.suggested
        _makeDefault(ui.promoteButton, suggested == "default")
        _makeDefault(ui.candidateButton, suggested == "candidate")
        ui.compareModelsButton.visible = view.can_compare
        ui.compareModelsButton.text = _("Compare again") if view.phase == "judged" else _("Compare")
        comparing = view.phase == "comparing"
        ui.compareBar.visible = ui.compareLabel.visible = comparing
        ui.compareBar.value = round(10 * view.percent)
        ui.compareLabel.text = view.stage_text
        _fill(ui.measuresTable, view.rows)
        _fill(ui.casesTable, view.cases)
        ui.casesLabel.visible = bool(view.cases)
        if view.error is not None:
            showMessage(ui.judgmentNote, f"{view.error.what}\n{view.error.remedy}", "error")
        else:
            showMessage(ui.judgmentNote, view.note)


def _makeDefault(button, isDefault: bool) -> None:
    """The button that Enter presses and that stands out."""
    button.default = button.autoDefault = isDefault
    font = qt.QFont(button.font)
    font.setBold(isDefault)
    button.font = font
    if isDefault and button.visible:
        button.setFocus()


def _fill(table, rows) -> None:
    table.visible = bool(rows)
    table.setRowCount(len(rows))
    for index, row in enumerate(rows):
        for column, text in enumerate((row.name, row.first, row.second, row.difference)):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(text)
            if row.is_worse and column == 3:
                item.setForeground(qt.QBrush(findColor("error", table)))
            table.setItem(index, column, item)
    table.resizeRowsToContents()
    if rows:
        heights = [table.rowHeight(index) for index in range(len(rows))]
        table.setFixedHeight(min(MOST_PX, table.horizontalHeader().height + sum(heights) + 4))
