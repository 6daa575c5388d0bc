"""slicer.app: the application object with its settings, paths and managers."""

from __future__ import annotations

import os

from PySide6 import QtCore, QtWidgets

from .base import stored

VERSION = (5, 12, 0)


def _fixed(text):
    return QtCore.Property("QString", lambda self: text)


class qSlicerApplication(QtWidgets.QApplication):
    startupCompleted = QtCore.Signal()
    mrmlSceneChanged = QtCore.Signal(object)

    def __init__(self, folder):
        super().__init__(["SlicerHost"])
        self._folder = folder
        for name in ("tmp", "cache", "extensions", "home"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        self._values = {}
        self.setOrganizationName("SlicerHost")
        self.setApplicationName("Slicer")
        QtCore.QSettings.setDefaultFormat(QtCore.QSettings.IniFormat)
        for scope in (QtCore.QSettings.UserScope, QtCore.QSettings.SystemScope):
            QtCore.QSettings.setPath(QtCore.QSettings.IniFormat, scope, os.path.join(folder, "settings"))
        self._settings = QtCore.QSettings()
        # What the host puts here when a scene exists.
        self._scene = self._application_logic = self._layout_manager = None
        self._module_manager = self._io_manager = None
        self._testing = True
        self.temporaryPath = os.path.join(folder, "tmp")
        self.cachePath = os.path.join(folder, "cache")

    temporaryPath = stored(str, "temporaryPath", "")
    cachePath = stored(str, "cachePath", "")
    slicerHome = QtCore.Property("QString", lambda self: os.path.join(self._folder, "home"))
    slicerSharePath = _fixed("share/Slicer-5.12")
    extensionsInstallPath = QtCore.Property("QString", lambda self: os.path.join(self._folder, "extensions"))
    slicerUserSettingsFilePath = QtCore.Property("QString", lambda self: self._settings.fileName())
    revision = _fixed("0")
    majorVersion = QtCore.Property(int, lambda self: VERSION[0])
    minorVersion = QtCore.Property(int, lambda self: VERSION[1])
    os = _fixed("linux")
    arch = _fixed("amd64")
    platform = _fixed("linux-amd64")
    applicationLocaleName = _fixed("en_US")
    isCustomMainApplication = QtCore.Property(bool, lambda self: False)

    def testingEnabled(self):
        return self._testing

    def mrmlScene(self):
        return self._scene

    def applicationLogic(self):
        return self._application_logic

    def layoutManager(self):
        return self._layout_manager

    def moduleManager(self):
        return self._module_manager

    def coreIOManager(self):
        return self._io_manager

    def ioManager(self):
        return self._io_manager

    def settings(self):
        return self._settings

    def userSettings(self):
        return self._settings

    def revisionUserSettings(self):
        return self._settings

    def startupEnvironment(self):
        return QtCore.QProcessEnvironment.systemEnvironment()

    def environment(self):
        return QtCore.QProcessEnvironment.systemEnvironment()

    def pauseRender(self):
        """The host draws when Qt paints."""

    def resumeRender(self):
        """See pauseRender."""

    def toSlicerHomeAbsolutePath(self, path):
        return os.path.join(self.slicerHome, path)
