"""What the stand-ins share: stored properties, and the two widgets that carry a MRML scene."""

from __future__ import annotations

from PySide6 import QtCore, QtWidgets

_QT_TYPES = {str: "QString", list: "QStringList"}


def stored(kind: type, name: str, default, then: str | None = None) -> QtCore.Property:
    """A Qt property that remembers what it is given; `then` names the method called after a change."""
    key = f"_{name}_value"

    def get(self):
        return getattr(self, key, default)

    def put(self, value):
        value = list(value) if kind is list else kind(value)
        if value != get(self):
            setattr(self, key, value)
            if then is not None:
                getattr(self, then)()

    return QtCore.Property(_QT_TYPES.get(kind, kind), get, put)


class SceneWidget(QtWidgets.QWidget):
    """A widget that is told of its scene and tells its children through a signal."""

    mrmlSceneChanged = QtCore.Signal(object)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._scene = None

    def setMRMLScene(self, scene):
        if scene is not self._scene:
            self._scene = scene
            self._scene_changed()
            self.mrmlSceneChanged.emit(scene)

    def _scene_changed(self):
        """For subclasses."""


class qMRMLWidget(SceneWidget):
    def mrmlScene(self):
        return self._scene


class qSlicerWidget(SceneWidget):
    pass
