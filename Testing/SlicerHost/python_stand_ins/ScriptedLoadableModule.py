"""slicer.ScriptedLoadableModule: the four base classes of a scripted module."""

from __future__ import annotations

import os
import sys
import unittest

import qt
import slicer

__all__ = [
    "ScriptedLoadableModule",
    "ScriptedLoadableModuleLogic",
    "ScriptedLoadableModuleTest",
    "ScriptedLoadableModuleWidget",
]


def _resource(moduleName, filename):
    folder = os.path.dirname(slicer.util.modulePath(moduleName))
    return os.path.join(folder, "Resources", filename)


class ScriptedLoadableModule:
    def __init__(self, parent):
        self.parent = parent
        self.moduleName = type(self).__name__
        parent.title = ""
        parent.categories = []
        parent.dependencies = []
        parent.contributors = []
        parent.helpText = ""
        parent.acknowledgementText = ""

    def resourcePath(self, filename):
        folder = os.path.dirname(os.path.abspath(sys.modules[type(self).__module__].__file__))
        return os.path.join(folder, "Resources", filename)

    def getDefaultModuleDocumentationLink(self, docPage=None):
        return f'<p><a href="https://slicer.readthedocs.io">{docPage or self.moduleName}</a></p>'

    def runTest(self, msec=100, **kwargs):
        test = getattr(sys.modules[self.moduleName], f"{self.moduleName}Test")()
        test.messageDelay = msec
        test.runTest(**kwargs)


class ScriptedLoadableModuleWidget:
    def __init__(self, parent=None):
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = slicer.util.settingsValue("Developer/DeveloperMode", False, converter=slicer.util.toBool)
        if parent is None:
            parent = slicer.qMRMLWidget()
            qt.QVBoxLayout(parent)
            parent.setMRMLScene(slicer.mrmlScene)
        self.parent = parent
        self.layout = parent.layout()
        slicer.app.moduleManager().connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def _onModuleAboutToBeUnloaded(self, moduleName):
        if moduleName == self.moduleName:
            self.cleanup()
            manager = slicer.app.moduleManager()
            manager.disconnect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def resourcePath(self, filename):
        return _resource(self.moduleName, filename)

    def cleanup(self):
        """For modules that hold something."""

    def setupDeveloperSection(self):
        """The host has no developer section."""

    def setup(self):
        self.setupDeveloperSection()

    def onReload(self):
        return slicer.util.reloadScriptedModule(self.moduleName)

    def onTest(self, **kwargs):
        getattr(slicer.modules, f"{self.moduleName}Instance").runTest(**kwargs)

    def onReloadAndTest(self, **kwargs):
        self.onReload()
        self.onTest(**kwargs)

    def onEditSource(self):
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(slicer.util.modulePath(self.moduleName)))


class ScriptedLoadableModuleLogic:
    def __init__(self, parent=None):
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self):
        if self.isSingletonParameterNode:
            node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
            return node if node is not None else self.createParameterNode()
        known = self.getAllParameterNodes()
        return known[0] if known else self.createParameterNode()

    def getAllParameterNodes(self):
        nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")
        return [node for node in nodes if node.GetAttribute("ModuleName") == self.moduleName]

    def createParameterNode(self):
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        # Slicer writes the module's name in both places.
        node.SetModuleName(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return slicer.mrmlScene.AddNode(node)


class ScriptedLoadableModuleTest(unittest.TestCase):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.enableScreenshots = False
        self.screenshotScaleFactor = 1.0
        self.messageDelay = 0

    def delayDisplay(self, message, requestedDelay=None, msec=None):
        slicer.util.delayDisplay(message, min(requestedDelay or msec or self.messageDelay, 100))

    def takeScreenshot(self, name, description, type=-1):
        """The host takes its pictures by `rendering`."""

    def setUp(self):
        """For subclasses."""

    def tearDown(self):
        """For subclasses."""

    def runTest(self):
        """For subclasses."""
