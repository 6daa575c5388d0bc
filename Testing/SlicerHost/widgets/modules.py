"""Modules as the application holds them: scripted ones with their panel, loadable ones with their logic."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import slicer
from PySide6 import QtCore, QtWidgets

from ..pythonqt import wrap
from .base import stored


class qSlicerModule(QtCore.QObject):
    """What every module has: a name, where it is, a logic, and a panel made on demand."""

    def __init__(self, name, path="", logic=None):
        super().__init__()
        self._name, self._path, self._logic, self._panel = name, path, logic, None

    name = QtCore.Property("QString", lambda self: self._name)
    path = QtCore.Property("QString", lambda self: self._path)

    def logic(self):
        return self._logic

    def mrmlScene(self):
        return slicer.mrmlScene

    def widgetRepresentation(self):
        if self._panel is None:
            self._panel = self.createNewWidgetRepresentation()
        return self._panel

    def createNewWidgetRepresentation(self):
        return None


class qSlicerLoadableModule(qSlicerModule):
    title = QtCore.Property("QString", lambda self: self._name)


class qSlicerScriptedLoadableModule(qSlicerModule):
    title = stored(str, "title", "")
    categories = stored(list, "categories", [])
    contributors = stored(list, "contributors", [])
    associatedNodeTypes = stored(list, "associatedNodeTypes", [])
    dependencies = stored(list, "dependencies", [])
    helpText = stored(str, "helpText", "")
    acknowledgementText = stored(str, "acknowledgementText", "")
    hidden = stored(bool, "hidden", False)
    index = stored(int, "index", -1)
    icon = QtCore.Property("QIcon", lambda self: self._icon, lambda self, icon: setattr(self, "_icon", icon))
    _icon = None

    def createNewWidgetRepresentation(self):
        panel = qSlicerScriptedLoadableModuleWidget(self)
        panel._make()
        return panel


class qSlicerScriptedLoadableModuleWidget(QtWidgets.QWidget):
    """The panel's frame; `self()` is the module's own Python class."""

    mrmlSceneChanged = QtCore.Signal(object)

    def __init__(self, module):
        super().__init__()
        self._module, self._python, self._entered = module, None, False
        self.setObjectName(f"{module._name}ModuleWidget")
        QtWidgets.QVBoxLayout(self)

    moduleName = QtCore.Property("QString", lambda self: self._module._name)
    isEntered = QtCore.Property(bool, lambda self: self._entered)

    def _make(self):
        name = self._module._name
        self._python = getattr(sys.modules[name], f"{name}Widget")(wrap(self))
        setattr(slicer.modules, f"{name}Widget", self._python)
        self._python.setup()
        self.setMRMLScene(slicer.mrmlScene)

    def self(self):
        return self._python

    def module(self):
        return self._module

    def setMRMLScene(self, scene):
        self.mrmlSceneChanged.emit(scene)

    def reload(self):
        entered = self._entered
        self._entered = False
        self._make()
        if entered:
            self.enter()

    def enter(self):
        if not self._entered:
            self._entered = True
            _call(self._python, "enter")

    def exit(self):
        if self._entered:
            self._entered = False
            _call(self._python, "exit")


def _call(thing, name):
    if hasattr(thing, name):
        getattr(thing, name)()


class qSlicerModuleFactoryManager(QtCore.QObject):
    def __init__(self, manager):
        super().__init__(manager)
        self._manager = manager

    def loadedModuleNames(self):
        return self._manager.modulesNames()

    def isLoaded(self, name):
        return name in self._manager._modules

    def loadModules(self, names=()):
        return all(self.isLoaded(name) for name in names)


class qSlicerModuleManager(QtCore.QObject):
    moduleLoaded = QtCore.Signal(str)
    moduleAboutToBeUnloaded = QtCore.Signal(str)

    def __init__(self):
        super().__init__()
        self._modules: dict[str, qSlicerModule] = {}
        self._factory_manager = qSlicerModuleFactoryManager(self)

    def factoryManager(self):
        return self._factory_manager

    def modulesNames(self):
        return list(self._modules)

    def module(self, name):
        return self._modules.get(name)

    def _add(self, module):
        self._modules[module._name] = module
        setattr(slicer.modules, module._name.lower(), wrap(module))

    def _load_scripted(self, path):
        """Import a scripted module from its file and make its module object, as Slicer does at startup."""
        path = Path(path)
        name = path.stem
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))
        spec = importlib.util.spec_from_file_location(name, path)
        python = importlib.util.module_from_spec(spec)
        sys.modules[name] = python
        spec.loader.exec_module(python)
        module = qSlicerScriptedLoadableModule(name, str(path))
        setattr(slicer.modules, f"{name}Instance", getattr(python, name)(wrap(module)))
        self._add(module)
        self.moduleLoaded.emit(name)
        return module

    def _unload(self, name):
        module = self._modules.pop(name)
        if module._panel is not None:
            module._panel.exit()
        # The panel's base class cleans up when it hears this.
        self.moduleAboutToBeUnloaded.emit(name)
        if module._panel is not None:
            module._panel.deleteLater()
        for attribute in (name.lower(), f"{name}Instance", f"{name}Widget"):
            if hasattr(slicer.modules, attribute):
                delattr(slicer.modules, attribute)
