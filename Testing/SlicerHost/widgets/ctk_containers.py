"""CTK's folding containers and its message box."""

from __future__ import annotations

from PySide6 import QtCore, QtWidgets

from .base import stored


class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """A header that shows or hides what its layout holds."""

    contentsCollapsed = QtCore.Signal(bool)
    HEADER_PX = 26

    def __init__(self, parent=None):
        super().__init__(parent)
        self._hidden_by_fold: list[QtWidgets.QWidget] = []
        self.setCheckable(True)
        self.setChecked(True)
        self.setSizePolicy(QtWidgets.QSizePolicy.Preferred, QtWidgets.QSizePolicy.Preferred)
        self.setContentsMargins(0, self.HEADER_PX, 0, 0)
        self.toggled.connect(self._fold)

    def _fold(self, opened):
        children = (c for c in self.children() if isinstance(c, QtWidgets.QWidget) and not c.isWindow())
        if opened:
            for child in self._hidden_by_fold:
                child.show()
            self._hidden_by_fold = []
        else:
            self._hidden_by_fold = [child for child in children if not child.isHidden()]
            for child in self._hidden_by_fold:
                child.hide()
        vertical = QtWidgets.QSizePolicy.Preferred if opened else QtWidgets.QSizePolicy.Fixed
        self.setSizePolicy(QtWidgets.QSizePolicy.Preferred, vertical)
        self.updateGeometry()
        self.contentsCollapsed.emit(not opened)

    def _is_collapsed(self):
        return not self.isChecked()

    def _set_collapsed(self, collapsed):
        self.setChecked(not collapsed)

    collapsed = QtCore.Property(bool, _is_collapsed, _set_collapsed)
    collapsedHeight = stored(int, "collapsedHeight", 10)
    flat = stored(bool, "flat", False)
    contentsLineWidth = stored(int, "contentsLineWidth", 1)

    def sizeHint(self):
        # "Total": with the header, which lies in the margin of the contents.
        hint = self.layout().totalSizeHint() if self.layout() and self.isChecked() else QtCore.QSize(120, 0)
        return QtCore.QSize(hint.width(), max(hint.height(), self.HEADER_PX))

    def minimumSizeHint(self):
        hint = self.layout().totalMinimumSize() if self.layout() and self.isChecked() else QtCore.QSize(60, 0)
        return QtCore.QSize(hint.width(), max(hint.height(), self.HEADER_PX))

    def hasHeightForWidth(self):
        # Folded, it is its header, whatever the wrapped texts inside would need.
        return self.isChecked() and super().hasHeightForWidth()

    def hitButton(self, position):
        return position.y() < self.HEADER_PX

    def paintEvent(self, event):
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect = QtCore.QRect(0, 0, self.width(), self.HEADER_PX)
        option.text = ("\u25be  " if self.isChecked() else "\u25b8  ") + self.text().replace("&", "")
        painter.drawControl(QtWidgets.QStyle.CE_PushButton, option)


class ctkCollapsibleGroupBox(QtWidgets.QGroupBox):
    """A group box whose check mark folds it."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._hidden_by_fold: list[QtWidgets.QWidget] = []
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(self._fold)

    def _fold(self, opened):
        children = [c for c in self.children() if isinstance(c, QtWidgets.QWidget)]
        if opened:
            for child in self._hidden_by_fold:
                child.show()
            self._hidden_by_fold = []
        else:
            self._hidden_by_fold = [child for child in children if not child.isHidden()]
            for child in self._hidden_by_fold:
                child.hide()
        self.setMaximumHeight(16777215 if opened else max(22, self._collapsedHeight()))

    def _collapsedHeight(self):
        return self.fontMetrics().height() + 8

    def _is_collapsed(self):
        return not self.isChecked()

    def _set_collapsed(self, collapsed):
        self.setChecked(not collapsed)

    collapsed = QtCore.Property(bool, _is_collapsed, _set_collapsed)
    collapsedHeight = stored(int, "collapsedHeight", 14)


class ctkMessageBox(QtWidgets.QMessageBox):
    """A message box that may be told not to come again."""

    dontShowAgainVisible = stored(bool, "dontShowAgainVisible", False)
    dontShowAgain = stored(bool, "dontShowAgain", False)
    dontShowAgainSettingsKey = stored(str, "dontShowAgainSettingsKey", "")
