"""CTK's inputs for paths and choices: a path with a browse button, directory and color buttons, a combo box."""

from __future__ import annotations

from pathlib import Path

from PySide6 import QtCore, QtGui, QtWidgets

from .base import stored


class ctkPathLineEdit(QtWidgets.QWidget):
    """A path that is typed or browsed for, and remembered."""

    currentPathChanged = QtCore.Signal(str)
    validInputChanged = QtCore.Signal(bool)
    DIRS, FILES = 1, 2

    def __init__(self, parent=None):
        super().__init__(parent)
        self._path = ""
        self._combo_box = QtWidgets.QComboBox(self)
        self._combo_box.setEditable(True)
        self._button = QtWidgets.QToolButton(self)
        self._button.setText("…")
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo_box, 1)
        layout.addWidget(self._button)
        self._combo_box.lineEdit().textChanged.connect(self.setCurrentPath)
        self._button.clicked.connect(self.browse)

    filters = stored(int, "filters", 3)
    options = stored(int, "options", 0)
    label = stored(str, "label", "")
    nameFilters = stored(list, "nameFilters", [])
    settingKey = stored(str, "settingKey", "")
    showBrowseButton = stored(bool, "showBrowseButton", True, "_buttons_changed")
    showHistoryButton = stored(bool, "showHistoryButton", True)

    def _buttons_changed(self):
        self._button.setVisible(self.showBrowseButton)

    def comboBox(self):
        return self._combo_box

    def _get_path(self):
        return self._path

    def setCurrentPath(self, path):
        if path == self._path:
            return
        self._path = path
        self._combo_box.setEditText(path)
        self.currentPathChanged.emit(path)
        self.validInputChanged.emit(Path(path).exists())

    currentPath = QtCore.Property(str, _get_path, setCurrentPath)

    def addCurrentPathToHistory(self):
        if self._path and self._combo_box.findText(self._path) < 0:
            self._combo_box.addItem(self._path)

    def retrieveHistory(self):
        """Nothing is kept between runs of the host."""

    def browse(self):
        dialog = QtWidgets.QFileDialog
        if self.filters & self.FILES:
            path = dialog.getOpenFileName(self, self.label, self._path, ";;".join(self.nameFilters))[0]
        else:
            path = dialog.getExistingDirectory(self, self.label, self._path)
        if path:
            self.setCurrentPath(path)


class ctkComboBox(QtWidgets.QComboBox):
    """A combo box with a text for no choice."""

    returnRelease = QtCore.Signal()
    defaultText = stored(str, "defaultText", "")
    forceDefault = stored(bool, "forceDefault", False)
    scrollWheelEffect = stored(int, "scrollWheelEffect", 1)

    def setCurrentUserDataAsString(self, data):
        self.setCurrentIndex(self.findData(data))

    currentUserDataAsString = QtCore.Property(
        str, lambda self: str(self.currentData() or ""), setCurrentUserDataAsString
    )


class ctkCheckablePushButton(QtWidgets.QPushButton):
    """A button with a check mark of its own."""

    checkBoxControlsButton = stored(bool, "checkBoxControlsButton", True)


class ctkDirectoryButton(QtWidgets.QWidget):
    """A button that shows a folder and asks for another."""

    directoryChanged = QtCore.Signal(str)
    directorySelected = QtCore.Signal(str)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._directory = ""
        self._button = QtWidgets.QPushButton(self)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._button)
        self._button.clicked.connect(self.browse)

    caption = stored(str, "caption", "")

    def _set_directory(self, path):
        if path != self._directory:
            self._directory = path
            self._button.setText(path)
            self.directoryChanged.emit(path)

    directory = QtCore.Property("QString", lambda self: self._directory, _set_directory)

    def browse(self):
        path = QtWidgets.QFileDialog.getExistingDirectory(self, self.caption, self._directory)
        if path:
            self._set_directory(path)
            self.directorySelected.emit(path)


class ctkColorPickerButton(QtWidgets.QPushButton):
    """A button that shows a color."""

    colorChanged = QtCore.Signal(QtGui.QColor)
    displayColorName = stored(bool, "displayColorName", True)

    def setColor(self, color):
        if color != self.color:
            self._color = QtGui.QColor(color)
            self.colorChanged.emit(self._color)

    color = QtCore.Property(QtGui.QColor, lambda self: getattr(self, "_color", QtGui.QColor()), setColor)
