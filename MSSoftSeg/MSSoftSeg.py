"""MSSoftSeg in 3D Slicer: a radiologist clicks Segment. Glue only; what is shown and decided is in MSSoftSegGUI."""

import os
import sys

import qt
import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

# In an installed extension the library lies beside this file, in a checkout one folder further up.
_HERE = os.path.dirname(os.path.abspath(__file__))
for _folder in (_HERE, os.path.dirname(_HERE)):
    if os.path.isdir(os.path.join(_folder, "MSSoftSegLib")) and _folder not in sys.path:
        sys.path.append(_folder)


class MSSoftSeg(ScriptedLoadableModule):
    """The module as Slicer lists it."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("MS Lesion Soft Segmentation")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = ["Segmentations", "SegmentEditor", "SubjectHierarchy", "Volumes"]
        parent.contributors = ["MSSoftSeg contributors"]
        parent.helpText = _(
            "Finds multiple sclerosis lesions in T1, T2 and FLAIR brain MRI and says how sure it is of each. "
            "Research use only: not a medical device, not for diagnosis or treatment decisions."
        )
        parent.acknowledgementText = _("The model's card names the data that it was trained on and their licenses.")
        slicer.app.connect("startupCompleted()", registerSampleData)
        slicer.app.connect("startupCompleted()", registerTerminology)
        slicer.app.connect("startupCompleted()", registerLayouts)


def registerSampleData():
    """Offer the digital patient in Sample Data; she is made on this computer when asked for."""
    import SampleData

    icon = os.path.join(_HERE, "Resources", "Icons", "MSSoftSeg.png")
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="MSSoftSeg",
        sampleName="MSSoftSegDigitalPatient",
        # She is downloaded from nowhere; without these lists Slicer cannot count them.
        uris=[],
        fileNames=[],
        nodeNames=[],
        checksums=[],
        thumbnailFileName=icon,
        customDownloader=loadDigitalPatient,
    )


def loadDigitalPatient(_source=None):
    """Make the digital patient and load her; the nodes."""
    from MSSoftSegGUI.exam.digital_patient import makeAndWait
    from MSSoftSegGUI.exam.loading import loadExamFolder
    from MSSoftSegGUI.worker.place import makeCommand
    from MSSoftSegGUI.worker.qt_process import QtProcess

    nodes, problem = loadExamFolder(makeAndWait(QtProcess, makeCommand))
    if problem:
        raise RuntimeError(problem)
    return list(nodes.values())


def registerTerminology():
    """Make "MS lesion" and "Possible MS lesion" known: Slicer ships no such term."""
    from MSSoftSegLib.resources import find_resources

    path = find_resources() / "Terminology" / "MSSoftSeg.term.json"
    slicer.modules.terminologies.logic().LoadTerminologyFromFile(str(path))


def registerLayouts():
    """Make the module's layouts known: a scene that was saved in one of them opens before the panel does."""
    from MSSoftSegGUI.scene.layouts import registerLayouts

    registerLayouts()


# Each of these is a page of its own, looked at one at a time; the steps before them go together.
PAGES = ("prior", "softLabel", "library", "train", "environment")


class MSSoftSegWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The module's panel: its sections and the environment page."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.workbench = None

    def setup(self):
        """Lay out the panels; nothing is computed, installed or started."""
        from MSSoftSegGUI.workbench import Workbench

        ScriptedLoadableModuleWidget.setup(self)
        page = slicer.util.loadUI(self.resourcePath("UI/MSSoftSeg.ui"))
        self.layout.addWidget(page)
        page.setMRMLScene(slicer.mrmlScene)
        self.ui = slicer.util.childWidgetVariables(page)
        self.logic = MSSoftSegLogic()
        self.workbench = Workbench(self.resourcePath, self.logic.getParameterNode)
        panels = {"exam": self.workbench.exam, "segment": self.workbench.segment, "review": self.workbench.review.panel}
        panels |= {"edit": self.workbench.edit, "environment": self.workbench.environment}
        panels |= {"prior": self.workbench.prior, "train": self.workbench.training}
        placed = [(name, panel) for name, panel in panels.items()] + self.workbench.curation.panels
        for name, panel in placed:
            getattr(self.ui, f"{name}Section").layout().addWidget(panel.widget)
            panel.widget.setMRMLScene(slicer.mrmlScene)
        for section in (self.ui.softLabelSection, self.ui.librarySection):
            section.connect("contentsCollapsed(bool)", self.workbench.curation.onSectionCollapsed)
        self.ui.trainSection.connect("contentsCollapsed(bool)", self.workbench.training.onFolded)
        self.ui.priorSection.connect("contentsCollapsed(bool)", self.workbench.prior.onFolded)
        for name in PAGES:
            getattr(self.ui, f"{name}Section").connect(
                "contentsCollapsed(bool)", lambda folded, name=name: self.onPageFolded(name, folded)
            )
        self.restoreTimer = qt.QTimer()
        self.restoreTimer.setSingleShot(True)
        self.restoreTimer.connect("timeout()", self.onRestoreTimeout)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        for event in (scene.EndCloseEvent, scene.EndImportEvent, scene.EndRestoreEvent):
            self.addObserver(scene, event, self.onSceneChanged)
        self.workbench.restore()

    def onPageFolded(self, name, isFolded):
        # The page that is opened takes the room; nobody scrolls past the one before.
        if not isFolded:
            for other in PAGES:
                if other != name:
                    getattr(self.ui, f"{other}Section").collapsed = True

    def enter(self):
        """The user opens the module."""
        self.workbench.enter()

    def exit(self):
        """The user opens another module."""
        self.workbench.leave()

    def cleanup(self):
        """The module is unloaded or reloaded."""
        self.removeObservers()
        self.restoreTimer.stop()
        if self.workbench is not None:
            self.workbench.shutDown()

    def onSceneStartClose(self, _caller=None, _event=None):
        self.workbench.forgetScene()

    def onSceneChanged(self, _caller=None, _event=None):
        # Opening a scene is a close and an import: the panel follows once all of it is there.
        self.restoreTimer.start()

    def onRestoreTimeout(self):
        if slicer.mrmlScene.IsBatchProcessing():
            self.restoreTimer.start()
        else:
            self.workbench.restore()


class MSSoftSegLogic(ScriptedLoadableModuleLogic):
    """The parameters that are saved with the scene."""

    def getParameterNode(self):
        """The panel's parameters, as typed fields."""
        from MSSoftSegGUI.scene.parameter_nodes import PanelParameters

        return PanelParameters(super().getParameterNode())


class MSSoftSegTest(ScriptedLoadableModuleTest):
    """What a real Slicer can check of itself; ``Testing/README.md`` says what is checked elsewhere."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        """All of it, as Reload and Test wants it."""
        for test in (self.test_geometry, self.test_segmentation_follows_labels, self.test_visit):
            self.setUp()
            test()

    def test_geometry(self):
        from MSSoftSegGUI.self_test import checkGeometry

        checkGeometry(self)

    def test_segmentation_follows_labels(self):
        from MSSoftSegGUI.self_test import checkSegmentationFollowsLabels

        checkSegmentationFollowsLabels(self)

    def test_visit(self):
        from MSSoftSegGUI.self_test import checkVisit

        checkVisit(self, slicer.util.getModuleWidget("MSSoftSeg"))
