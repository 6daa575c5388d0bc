"""Step 3: threshold, overlays, lesions one after the other. What is shown comes from the presenter as one picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import qt
import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.review.columns import list_columns
from MSSoftSegGUI.review.lesion_cells import LesionCells
from MSSoftSegGUI.scene.layouts import CONTRAST_LAYOUTS, CONTRASTS, MAPS, OWN, PLANES
from MSSoftSegGUI.widgets.line_breaks import keep_parts_together
from MSSoftSegGUI.widgets.panel import Panel, fillCombo, showMessage
from MSSoftSegGUI.widgets.table_fit import fitColumns
from MSSoftSegGUI.worker.error_card import make_sentence

PROBABILITY, ENTROPY, NONE = "probability", "entropy", "none"
BUTTONS = ("accept", "reject", "previous", "next", "undo")
BULK_BUTTONS = ("acceptAllButton", "rejectAllButton")
# Z and Y are those of the Segment Editor, which leaves them to us.
KEYS = {"A": "accept", "X": "reject", "N": "next", "P": "previous", "U": "undo", "Z": "undo", "Y": "redo"}
HIDE_KEY = "H"
HIDDEN_SETTING = "MSSoftSeg/HiddenColumns"
# "accepted" and "rejected"; and a place of which enough is left to be told from the others.
DECISION_PX, LEAST_PLACE_PX = 60, 56
# More and less; plus and minus are the brush's.
RADIUS_KEYS = {"M": 1, "L": -1}
ICONS = {f"{name.lower()}Button": name for name in ("Accept", "Reject", "Next", "Undo")}


class ReviewPanel(Panel):
    """Buttons, slider and table of the review. onDisplay is called when overlay, opacity, outline or layout changed."""

    def __init__(
        self,
        uiPath: str,
        presenter,
        *,
        before: Callable[[], None],
        onDisplay: Callable[[], None],
        onHide: Callable[[], None],
        onWindows: Callable[[], None],
        onReport: Callable[[], None],
    ):
        """before: called ahead of everything that the user asks of the presenter. onHide: for a look at the bare image.

        onWindows: for the gray window that suits each contrast. onReport: for the report of what is there now.
        """
        super().__init__(uiPath)
        self._presenter, self._before, self._onDisplay = presenter, before, onDisplay
        self.setIcons(ICONS)
        self._numbers: list[int] = []
        self._cells = LesionCells(self.ui.lesionTable, self.widget)
        ui = self.ui
        self._connectSliders()
        self._connectViews()
        ui.windowsButton.connect("clicked(bool)", lambda _checked=False: onWindows())
        ui.lesionTable.connect("cellClicked(int,int)", self.onCellClicked)
        ui.lesionTable.connect("currentCellChanged(int,int,int,int)", self.onCurrentCellChanged)
        for name in BUTTONS:
            getattr(ui, f"{name}Button").connect("clicked(bool)", self._action(name))
        ui.growSpinBox.connect("valueChanged(double)", self.onRadiusChanged)
        ui.reportButton.connect("clicked(bool)", lambda _checked=False: onReport())
        ui.acceptAllButton.connect("clicked(bool)", self.onAcceptAllClicked)
        ui.rejectAllButton.connect("clicked(bool)", self.onRejectAllClicked)
        self._setUpTable()
        self._shortcuts = [self._shortcut(key, self._callOf(name)) for key, name in KEYS.items()]
        self._shortcuts.append(self._shortcut(HIDE_KEY, onHide))
        self._shortcuts += [
            self._shortcut(key, lambda steps=steps: self.widen(steps)) for key, steps in RADIUS_KEYS.items()
        ]
        ui.keysLabel.text = _keys()
        self.setActive(False)
        self.close()

    def _connectSliders(self) -> None:
        ui = self.ui
        ui.thresholdSlider.connect("valueIsChanging(double)", self.onThresholdChanging)
        ui.thresholdSlider.connect("valueChanged(double)", self.onThresholdChanged)
        ui.minSizeSlider.connect("valueIsChanging(double)", self.onMinSizeChanging)
        ui.minSizeSlider.connect("valueChanged(double)", self.onMinSizeChanged)
        ui.modelThresholdButton.connect("clicked(bool)", self.onModelThresholdClicked)

    def _connectViews(self) -> None:
        ui = self.ui
        fillCombo(ui.overlayCombo, _overlays(), PROBABILITY)
        self.setContrasts(("flair",))
        ui.overlayCombo.connect("currentIndexChanged(int)", self.onDisplayChanged)
        ui.opacitySlider.connect("valueChanged(double)", self.onDisplayChanged)
        ui.outlineCheckBox.connect("toggled(bool)", self.onDisplayChanged)
        ui.layoutCombo.connect("currentIndexChanged(int)", self.onLayoutChanged)
        ui.surfaceButton.connect("toggled(bool)", self.onSurfaceToggled)

    def setActive(self, active: bool) -> None:
        """Whether the keys act: only while the module is open."""
        for shortcut in self._shortcuts:
            shortcut.enabled = active

    def removeShortcuts(self) -> None:
        """Give the keys back: the module is unloaded."""
        for shortcut in self._shortcuts:
            shortcut.setParent(None)
        self._shortcuts = []

    def open(self, warnings: Sequence[str] = ()) -> None:
        """A result is there to be reviewed; the presenter knows it already. warnings: what its run warned of."""
        showMessage(self.ui.reviewMessage, " ".join(make_sentence(each) for each in warnings), "warning")
        with self.updating():
            self.ui.thresholdSlider.minimum = self._presenter.lowest_threshold
            self.ui.thresholdSlider.maximum = self._presenter.highest_threshold
        self._enable(True)
        self.show(self._presenter.view)

    def close(self) -> None:
        """No result is there."""
        self._enable(False)
        self._numbers = []
        self._cells.take(())
        self.say(_("No result yet. Choose an exam and click Segment."))
        showMessage(self.ui.reviewMessage, "")
        self.note("")

    def note(self, text: str, kind: str = "note") -> None:
        """Say what became of what was asked for last; "" = nothing."""
        showMessage(self.ui.noteMessage, text, kind)

    def say(self, text: str) -> None:
        """Say a sentence in the place of the summary."""
        self.ui.summaryLabel.text = text

    @property
    def overlay(self) -> str:
        """Which overlay is chosen: probability, entropy or none."""
        return self.ui.overlayCombo.currentData

    @property
    def layout(self) -> str:
        """Which layout is chosen, as ``scene.layouts`` names them."""
        return self.ui.layoutCombo.currentData

    def setContrasts(self, slots: tuple[str, ...], layout: str = "") -> None:
        """Offer the layouts of an exam that has these contrasts, and choose one; "" = the one that is chosen now."""
        with self.updating():
            fillCombo(self.ui.layoutCombo, _layouts(slots), layout or self.ui.layoutCombo.currentData or OWN)

    def show(self, view) -> None:
        """Make the widgets say what the presenter's view says."""
        with self.updating():
            headline = " · ".join(filter(None, (view.summary_text, self._possibleText(), view.progress_text)))
            self.ui.summaryLabel.text = "\n".join(map(keep_parts_together, filter(None, (headline, view.regions_text))))
            if abs(self.ui.thresholdSlider.value - view.threshold) > 1e-6:
                self.ui.thresholdSlider.value = view.threshold
            self._showMinSize(view.min_lesion_mm3)
            self._showRows(view)
            selected = view.row_of(view.selected)
            for name in ("accept", "reject"):
                # What was drawn by hand is taken back with the eraser.
                getattr(self.ui, f"{name}Button").enabled = selected is not None and selected.origin == "model"
            self.ui.nextButton.enabled = self.ui.previousButton.enabled = bool(view.rows)
            self.ui.undoButton.enabled = view.can_undo
            for name in BULK_BUTTONS:
                getattr(self.ui, name).enabled = view.undecided > 0

    def onThresholdChanging(self, value: float) -> None:
        if not self.isUpdating:
            self._before()
            self._presenter.set_threshold(value)

    def onThresholdChanged(self, value: float) -> None:
        if not self.isUpdating:
            self._before()
            self._presenter.release_threshold(value)

    def onMinSizeChanging(self, value: float) -> None:
        if not self.isUpdating:
            self._before()
            self._presenter.set_threshold(min_lesion_mm3=value)

    def onMinSizeChanged(self, value: float) -> None:
        if not self.isUpdating:
            self._before()
            self._presenter.release_threshold(min_lesion_mm3=value)

    def onModelThresholdClicked(self) -> None:
        self._before()
        self._presenter.release_as_model()

    def onDisplayChanged(self, _value=None) -> None:
        if not self.isUpdating:
            self._onDisplay()

    def onLayoutChanged(self, _index: int) -> None:
        if self.isUpdating:
            return
        if self.layout in (CONTRASTS, MAPS):
            # Side by side there is no room for a 3D view.
            with self.updating():
                self.ui.surfaceButton.checked = False
        self._onDisplay()

    def onSurfaceToggled(self, checked: bool) -> None:
        if self.isUpdating:
            return
        if checked and self.layout in (CONTRASTS, MAPS):
            with self.updating():
                self.ui.layoutCombo.currentIndex = self.ui.layoutCombo.findData(PLANES)
        self._onDisplay()

    def widen(self, steps: int) -> None:
        """The lesion that grew last: so many steps more, or less where negative."""
        self.ui.growSpinBox.value += steps * self.ui.growSpinBox.singleStep

    def onRadiusChanged(self, radius_mm: float) -> None:
        if not self.isUpdating:
            self._presenter.regrow(radius_mm)

    def onAcceptAllClicked(self) -> None:
        self._before()
        value = self.ui.acceptAllSpinBox.value
        nothing = _("No undecided lesion has a mean probability of {value:.2f} or more.").format(value=value)
        self.note("" if self._presenter.accept_all(probability=value) else nothing)

    def onRejectAllClicked(self) -> None:
        self._before()
        value = self.ui.rejectAllSpinBox.value
        nothing = _("No undecided lesion is smaller than {value:.0f} mm³.").format(value=value)
        self.note("" if self._presenter.reject_all(below_mm3=value) else nothing)

    def onCellClicked(self, row: int, _column: int) -> None:
        if 0 <= row < len(self._numbers):
            self._before()
            self._presenter.select(self._numbers[row])

    def onCurrentCellChanged(self, row: int, _column: int, before: int, _beforeColumn: int) -> None:
        # Arrow keys; a click comes through cellClicked as well, which selecting twice would blink twice.
        if not self.isUpdating and row != before and self.ui.lesionTable.focus and not qt.QApplication.mouseButtons():
            self.onCellClicked(row, 0)

    def _action(self, name: str):
        def act(_checked=False):
            self._before()
            getattr(self._presenter, name)()

        return act

    def _callOf(self, name: str):
        """What a key does: a click on its button, which may be disabled; without one the presenter is asked."""
        button = getattr(self.ui, f"{name}Button", None)
        return button.click if button is not None else self._action(name)

    def _shortcut(self, key: str, call: Callable[[], None]):
        shortcut = qt.QShortcut(slicer.util.mainWindow() or self.widget)
        shortcut.setKey(qt.QKeySequence(key))
        shortcut.connect("activated()", call)
        return shortcut

    def _setUpTable(self) -> None:
        table, header = self.ui.lesionTable, self.ui.lesionTable.horizontalHeader()
        self._columns = list_columns()
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
        header.connect("sectionClicked(int)", self.onHeadClicked)
        header.contextMenuPolicy = qt.Qt.CustomContextMenu
        header.connect("customContextMenuRequested(QPoint)", self.onHeadMenu)
        table.verticalScrollBar().connect("valueChanged(int)", self.onTableScrolled)
        table.horizontalScrollBar().connect("rangeChanged(int,int)", lambda _least, _most: self._fitColumns())
        atFirst = ",".join(column.key for column in self._columns if not column.is_first_shown)
        self._hidden = set(filter(None, slicer.util.settingsValue(HIDDEN_SETTING, atFirst).split(",")))
        self._showColumns(())
        table.resizeColumnsToContents()
        # It takes what is left, and stretching never makes a column narrower than it was.
        table.setColumnWidth(len(self._columns) - 1, DECISION_PX)

    def onHeadClicked(self, number: int) -> None:
        self._before()
        self._presenter.sort(self._columns[number].key)

    def onHeadMenu(self, _place) -> None:
        menu = qt.QMenu(self.ui.lesionTable)
        for column in self._columns[1:]:
            action = menu.addAction(column.title)
            action.checkable, action.checked = True, column.key not in self._hidden
            action.connect("toggled(bool)", lambda shown, key=column.key: self.setColumnShown(key, shown))
        menu.exec_(qt.QCursor.pos())

    def setColumnShown(self, key: str, shown: bool) -> None:
        """Show or hide a column, now and from now on."""
        self._hidden = self._hidden - {key} if shown else self._hidden | {key}
        slicer.app.settings().setValue(HIDDEN_SETTING, ",".join(sorted(self._hidden)))
        self._showColumns(self._presenter.view.rows)

    def _showColumns(self, rows) -> None:
        """Those that the reader wants; places only where the run found them."""
        for number, column in enumerate(self._columns):
            isKnown = not column.is_place or any(column.value(row) not in (None, "") for row in rows)
            self.ui.lesionTable.setColumnHidden(number, column.key in self._hidden or not isKnown)

    def _possibleText(self) -> str:
        volume = self._presenter.possible_volume_ml()
        return _("possible: {volume:.2f} ml").format(volume=volume) if volume else ""

    def _showMinSize(self, min_lesion_mm3: float) -> None:
        slider = self.ui.minSizeSlider
        if min_lesion_mm3 > slider.maximum:
            slider.maximum = min_lesion_mm3
        # The slider shows a decimal less than a model may have.
        if abs(slider.value - min_lesion_mm3) > 0.05:
            slider.value = min_lesion_mm3

    def _showRows(self, view) -> None:
        table = self.ui.lesionTable
        self._numbers = [row.number for row in view.rows]
        self._cells.take(view.rows)
        self._cells.write(self._columns, all_rows=view.rows_final)
        if view.selected in self._numbers:
            table.setCurrentCell(self._numbers.index(view.selected), 0)
        else:
            table.clearSelection()
        if view.rows_final:
            self._showColumns(view.rows)
            self._showOrder(*view.order)
            # A header that does this by itself measures every row after every cell, while the slider waits.
            for column in range(table.columnCount - 1):
                # The last one takes what is left.
                table.resizeColumnToContents(column)
            self._fitColumns()

    def _fitColumns(self) -> None:
        """Where the decision would be out of sight, the place gives way; its tip says all of it."""
        place = next(n for n, column in enumerate(self._columns) if column.key == "region")
        fitColumns(self.ui.lesionTable, last_px=DECISION_PX, least_px={place: LEAST_PLACE_PX})

    def _showOrder(self, key: str, descending: bool) -> None:
        # Qt's own arrow makes every column wider by the height of the head, sorted or not.
        arrow = " ▾" if descending else " ▴"
        for number, column in enumerate(self._columns):
            self.ui.lesionTable.horizontalHeaderItem(number).setText(column.head + arrow * (column.key == key))

    def onTableScrolled(self, _value: int) -> None:
        with self.updating():
            self._cells.write(self._columns, all_rows=False)

    def _enable(self, enabled: bool) -> None:
        ui = self.ui
        for widget in (
            ui.thresholdSlider,
            ui.minSizeSlider,
            ui.modelThresholdButton,
            ui.overlayCombo,
            ui.opacitySlider,
            ui.layoutCombo,
            ui.windowsButton,
            ui.surfaceButton,
            ui.outlineCheckBox,
            ui.lesionTable,
            ui.reportButton,
            ui.growSpinBox,
        ):
            widget.enabled = enabled
        for name in (*(f"{each}Button" for each in BUTTONS), *BULK_BUTTONS):
            getattr(ui, name).enabled = False


def _overlays():
    return ((PROBABILITY, _("Probability")), (ENTROPY, _("Entropy (uncertainty)")), (NONE, _("None")))


def _layouts(slots: tuple[str, ...]):
    names = {"flair": "FLAIR", "t1": "T1", "t2": "T2"}
    yield PLANES, _("Three planes")
    if slots in CONTRAST_LAYOUTS:
        yield CONTRASTS, " · ".join(names[slot] for slot in slots)
    yield MAPS, _("FLAIR · probability · entropy")
    yield OWN, _("As laid out in Slicer")


def _keys() -> str:
    """Which key does what, in one line."""
    keys = (
        ("A", _("accept")),
        ("X", _("reject")),
        ("N P", _("next, previous")),
        ("U Y", _("undo, redo")),
        ("H", _("hide overlay")),
        ("M L", _("grow more, less")),
    )
    mouse = (_("click: select or grow"), _("Shift+wheel: grow more, less"), _("Shift+click: remove"))
    return " · ".join((*(f"{key} {does}" for key, does in keys), *mouse))
