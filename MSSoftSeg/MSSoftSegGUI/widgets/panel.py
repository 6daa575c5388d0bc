"""What every panel is made from: its ``.ui`` file, its named widgets, and changes that are not the user's."""

from __future__ import annotations

import os
from contextlib import contextmanager

import qt
import slicer

from MSSoftSegGUI.widgets.theme_colors import find_color, find_style


class Panel:
    """One section of the module: ``widget`` is what is laid out, ``ui`` holds its widgets by object name."""

    def __init__(self, uiPath: str) -> None:
        self.widget = slicer.util.loadUI(uiPath)
        self.ui = slicer.util.childWidgetVariables(self.widget)
        self._updating = False

        self._uiPath = uiPath

    def setIcons(self, icons: dict[str, str]) -> None:
        """Icons by button: Designer's relative paths do not hold in an installed extension."""
        for button, icon in icons.items():
            getattr(self.ui, button).icon = self.icon(icon)

    def icon(self, name: str):
        """One of the module's icons."""
        return qt.QIcon(os.path.join(os.path.dirname(self._uiPath), "..", "Icons", f"{name}.png"))

    @contextmanager
    def updating(self):
        """While this lasts, what widgets say is the program's doing: ``isUpdating`` tells handlers to keep still."""
        before, self._updating = self._updating, True
        try:
            yield
        finally:
            self._updating = before

    @property
    def isUpdating(self) -> bool:
        """Whether the program is changing the widgets."""
        return self._updating


def isDark(widget) -> bool:
    """Whether words stand on a dark ground, as in Slicer's dark theme."""
    return widget.palette.color(qt.QPalette.Window).lightness() < 128


def findColor(kind: str, widget):
    """The color of a kind of word on this widget; None for what has none."""
    color = find_color(kind, is_dark=isDark(widget))
    return qt.QColor(color) if color else None


def showMessage(label, text: str, kind: str = "note") -> None:
    """Show a sentence in a label that takes no room while it has nothing to say."""
    label.text = text
    label.styleSheet = find_style(kind, is_dark=isDark(label))
    label.visible = bool(text)


def fillCombo(combo, entries, current: str) -> None:
    """Fill a combo box with (data, text) pairs and select the one with that data, else the first."""
    wasBlocked = combo.blockSignals(True)
    combo.clear()
    for data, text in entries:
        combo.addItem(text, data)
    combo.currentIndex = max(0, combo.findData(current))
    combo.blockSignals(wasBlocked)
