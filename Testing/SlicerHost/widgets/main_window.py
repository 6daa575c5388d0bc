"""The main window: module panel on the left, views in the middle, a status bar below."""

from __future__ import annotations

from PySide6 import QtCore, QtWidgets


class qSlicerModuleSelectorToolBar(QtWidgets.QToolBar):
    moduleSelected = QtCore.Signal(str)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._label = QtWidgets.QLabel("Modules:", self)
        self._selected = ""
        self.addWidget(self._label)

    selectedModule = QtCore.Property("QString", lambda self: self._selected)

    def selectModule(self, name):
        self._selected = name
        self._label.setText(f"Modules:  {name}")
        self.moduleSelected.emit(name)


class qSlicerMainWindow(QtWidgets.QMainWindow):
    def __init__(self, application):
        super().__init__()
        self._application, self._panel = application, None
        self.setObjectName("qSlicerMainWindow")
        self.setWindowTitle("3D Slicer stand-in")
        self._selector = qSlicerModuleSelectorToolBar(self)
        self.addToolBar(self._selector)
        self._selector.moduleSelected.connect(self._show_module)
        self._scroll = QtWidgets.QScrollArea(self)
        self._scroll.setWidgetResizable(True)
        self._scroll.setMinimumWidth(440)
        dock = QtWidgets.QDockWidget(self)
        dock.setObjectName("PanelDockWidget")
        dock.setWidget(self._scroll)
        self.addDockWidget(QtCore.Qt.LeftDockWidgetArea, dock)
        self.statusBar()

    def _show_views(self):
        self.setCentralWidget(self._application.layoutManager().viewport())

    def _show_module(self, name):
        panel = self._application.moduleManager().module(name).widgetRepresentation()
        if self._panel is not None and self._panel is not panel:
            self._panel.exit()
            self._scroll.takeWidget()
        self._panel = panel
        self._scroll.setWidget(panel)
        panel.enter()

    def moduleSelector(self):
        return self._selector
