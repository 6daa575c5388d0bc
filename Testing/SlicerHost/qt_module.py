"""The flat `qt` module of Slicer: QtCore, QtGui, QtWidgets and QtTest under one name."""

from __future__ import annotations

import types

from PySide6 import QtCore, QtGui, QtTest, QtWidgets

from .pythonqt import wrapper_class
from .ui_loader import QUiLoader

# PySide6's own inventions, which PythonQt does not have under these names.
_PYSIDE_NAMES = {"SIGNAL", "SLOT", "qApp"}


class QtModule(types.ModuleType):
    """Classes are looked up when first used."""

    QUiLoader = QUiLoader

    def __getattr__(self, name):
        if name.startswith("__") or name in _PYSIDE_NAMES:
            raise AttributeError(name)
        for module in (QtCore, QtGui, QtWidgets, QtTest):
            if hasattr(module, name):
                value = getattr(module, name)
                if isinstance(value, type) and issubclass(value, QtCore.QObject):
                    value = wrapper_class(value)
                setattr(self, name, value)
                return value
        raise AttributeError(f"module 'qt' has no attribute '{name}'")
