"""Where everything is put together: panels, presenters, the worker, and the exam that is on the table."""

from __future__ import annotations

import shutil
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.curation_workbench import CurationWorkbench
from MSSoftSegGUI.environment.installation import installFor
from MSSoftSegGUI.environment.model_list import list_installed_models
from MSSoftSegGUI.environment.panel import EnvironmentPanel
from MSSoftSegGUI.environment.presenter import EnvironmentPresenter
from MSSoftSegGUI.exam.digital_patient import makeDigitalPatient
from MSSoftSegGUI.exam.opening import ExamOpener
from MSSoftSegGUI.exam.panel import ExamPanel
from MSSoftSegGUI.library.panel import LIBRARY_SETTING
from MSSoftSegGUI.prior.section import PriorSection
from MSSoftSegGUI.review.edit_panel import EditPanel
from MSSoftSegGUI.review.report import ReviewReport
from MSSoftSegGUI.review.result_loading import ResultLoader
from MSSoftSegGUI.review.session import ReviewSession
from MSSoftSegGUI.scene.nodes import hideNodes
from MSSoftSegGUI.scene.parameter_nodes import findExamOfFlair, findExamOfNode, isThere, makeExam
from MSSoftSegGUI.scene.slice_views import showAlone
from MSSoftSegGUI.scene.state import SLOTS
from MSSoftSegGUI.scene.volume_nodes import SceneExporter
from MSSoftSegGUI.segment.job_documents import Selections
from MSSoftSegGUI.segment.panel import SegmentPanel
from MSSoftSegGUI.segment.presenter import SegmentPresenter
from MSSoftSegGUI.segment.preview import RunPreview
from MSSoftSegGUI.train.workbench import TrainingWorkbench
from MSSoftSegGUI.worker.chunked_work import ChunkedWork
from MSSoftSegGUI.worker.error_card import find_reason
from MSSoftSegGUI.worker.place import PYTHON_SETTING, findRunsFolder, makeCommand, makeWorker
from MSSoftSegGUI.worker.qt_process import QtProcess, callLater, waitForEnds
from MSSoftSegGUI.worker.short_jobs import ShortJobs

# A killed process is gone within milliseconds; one that a driver holds must not hold Slicer.
END_PATIENCE_S = 2.0
# Choosing images is over by then; looking at them, before Segment is clicked, is not.
WAKE_AFTER_S = 1.0


class Workbench:
    """Everything behind the module's panel. resourcePath: finds ``Resources``; parameters: gives those of the scene.

    worker: segments; quickWorker: a second one for short jobs, which so never wait behind a segmentation.
    """

    def __init__(self, resourcePath, parameters) -> None:
        self._resourcePath, self._parameters = resourcePath, parameters
        self._patientRun = None
        self._runExam, self._isRestoring = None, False
        self.exam = self._newExamPanel()
        self.segment = SegmentPanel(
            self._ui("Segment"),
            toggle=self.onToggle,
            preprocess=self.onPreprocess,
            findDevices=lambda: self.examiner.check(),
            onChoice=self.onChoice,
        )
        self.edit = EditPanel(self._ui("Edit"))
        self.worker, self.quickWorker = makeWorker(), makeWorker()
        self.opener = ExamOpener(self.exam, ShortJobs(self.quickWorker), findRunsFolder() / "exams", self.showResult)
        self.report = ReviewReport(
            ShortJobs(self.quickWorker),
            callLater,
            findRunsFolder() / "report",
            reviewer=lambda: self.curation.saver.view.rater,
        )
        self.review = ReviewSession(self._ui("Review"), self.edit, parameters, self.report)
        self.environment = EnvironmentPanel(self._ui("Environment"), install=self.onInstall, onPython=self.onPython)
        self._opening = ChunkedWork(callLater)
        self._exporter = SceneExporter(reference=lambda: self._runExam.flair if self._runExam is not None else None)
        self.curation = self._newCuration()
        self.prior = self._newPrior()
        self.training = self._newTraining()
        self.runner = self._newRunner()
        self.preview = RunPreview(callLater)
        self._resultLoader = ResultLoader(callLater, self.review, show=self._showResult, fail=self._cannotArrive)
        self.examiner = EnvironmentPresenter(
            QtProcess,
            makeCommand,
            show=self._showEnvironment,
            on_models_changed=self._listModels,
            host=f"3D Slicer {slicer.app.majorVersion}.{slicer.app.minorVersion} ({slicer.app.revision})",
        )
        self.environment.setPresenter(self.examiner)
        self.environment.choosePython(slicer.util.settingsValue(PYTHON_SETTING, ""))

    @property
    def isMakingPatient(self) -> bool:
        """Whether the digital patient is being made."""
        return self._patientRun is not None

    def restore(self) -> None:
        """Set the panel as the scene says: at the start, after a scene was opened, closed or imported."""
        parameters = self._parameters()
        self._listModels()
        self.segment.choose({name: getattr(parameters, name) for name in ("model", "device", "brain", "tta")})
        self.review.display.restoreSettings()
        exam = findExamOfNode(parameters.currentExam)
        self.curation.restore()
        if exam is None:
            # What was chosen by hand stays when something is imported; in a scene that was closed nothing is left of it.
            if self.exam.node("flair") is None:
                self.exam.choose({}, None)
                self.exam.guessWhereEmpty()
            return
        # The views of a scene look where they looked when it was saved.
        self._isRestoring = True
        self.showExam(exam)
        self._isRestoring = False

    def enter(self) -> None:
        """The module is opened."""
        self.exam.guessWhereEmpty()
        self.review.enter()
        self.edit.enter()
        self.prior.enter()
        self.training.enter()

    def leave(self) -> None:
        """Another module is opened; a run goes on."""
        self.review.leave()
        self.edit.leave()
        self.prior.leave()

    def forgetScene(self) -> None:
        """The scene is closing: what runs is stopped, and nothing of it comes back."""
        self.runner.forget()
        self.preview.remove()
        self.review.forget()
        self._runExam = None
        self.exam.forget()
        self.opener.forget()
        self._resultLoader.forget()
        self._opening.stop()
        self.prior.forgetScene()
        self.curation.forgetScene()
        self.training.forgetScene()
        self.segment.show(self.runner.view)

    def shutDown(self) -> None:
        """The module is unloaded or reloaded: leave no process, no observer and no key behind."""
        self.forgetScene()
        if self._patientRun is not None:
            self._patientRun.stop()
        self.examiner.stop()
        self.curation.shutDown()
        self.training.shutDown()
        for worker in (self.worker, self.quickWorker):
            worker.shutdown()
        waitForEnds(END_PATIENCE_S)
        self.review.panel.removeShortcuts()
        self.prior.panel.removeShortcuts()
        shutil.rmtree(findRunsFolder(), ignore_errors=True)

    def loadFolder(self, folder: Path) -> None:
        """Load an exam folder as one exam in a folder of its own."""
        self.opener.loadFolder(folder)

    def showExam(self, exam) -> None:
        """Put an exam of the scene on the table."""
        nodes = {slot: getattr(exam, slot) for slot in SLOTS}
        self.exam.choose({slot: node.GetID() for slot, node in nodes.items() if node is not None}, exam.caseName)

    def showResult(self, folder: Path) -> None:
        """Review a result folder of the exam in the selectors; that it fits the FLAIR image is the caller's knowledge."""
        self._resultLoader.take(self._currentExam(), "segment", folder)

    def loadSample(self) -> None:
        """Make the digital patient and load her."""
        if self._patientRun is None:
            self.exam.tell(_("Making the digital patient; this takes some seconds…"), "note")
            self.exam.ui.sampleButton.enabled = False
            self._patientRun = makeDigitalPatient(QtProcess, makeCommand, self._takePatient)

    def onExamChanged(self) -> None:
        """Another exam was chosen: show its review if it has one."""
        flair = self.exam.node("flair")
        exam = findExamOfFlair(flair) if flair is not None else None
        if self._runExam is not None and not isThere(self._runExam.flair):
            self.runner.fail(
                _("The FLAIR image of the exam that was being segmented was removed from the scene."),
                _("Load the exam again and click Segment."),
            )
        elif flair is not None:
            # What is said there is about the exam before.
            self.runner.dismiss()
            self.worker.wake(WAKE_AFTER_S)
        if exam is not None and self.review.exam is not None and exam.parameterNode is self.review.exam.parameterNode:
            return
        self._parameters().currentExam = exam.parameterNode if exam is not None else None
        self._opening.stop()
        self.preview.remove()
        if self.review.exam is not None and flair is not None:
            showAlone(flair)
        self.review.close()
        # Another exam's brain mask would be laid onto this one's voxels.
        self.segment.chooseBrainMask(exam.brainMask if exam is not None else None)
        if exam is not None:
            self._opening.start(self.review.resuming(exam, fit=not self._isRestoring), self._cannotOpen)
        self._follow(exam)

    def onChoice(self) -> None:
        """What is chosen is saved with the scene."""
        parameters, choices = self._parameters(), self.segment.choices()
        for name in ("model", "device", "brain", "tta"):
            setattr(parameters, name, choices[name])

    def onToggle(self) -> None:
        if self.runner.view.is_running:
            self.runner.cancel()
        else:
            self._runExam = self._currentExam()
            self.runner.segment(self._selections())

    def onPreprocess(self) -> None:
        self._runExam = self._currentExam()
        self.runner.preprocess(self._selections())

    def onPython(self, path: str) -> None:
        slicer.app.settings().setValue(PYTHON_SETTING, path)
        self._restartWorkers()

    def onModelDecided(self, isNewDefault: bool) -> None:
        """A model was installed, or is gone; the next Segment uses the default if that is another one now."""
        if isNewDefault:
            self._parameters().model = ""
        self._listModels()

    def onInstall(self) -> None:
        installFor(
            slicer.util.settingsValue(PYTHON_SETTING, ""),
            Path(self._resourcePath("requirements.txt")),
            tell=self.environment.tell,
            restart=self._restartWorkers,
            check=self.examiner.check,
        )

    def _restartWorkers(self) -> None:
        for worker in (self.worker, self.quickWorker):
            worker.restart()

    def _follow(self, exam) -> None:
        self.curation.follow(exam)
        self.prior.follow(exam)

    def _newRunner(self) -> SegmentPresenter:
        return SegmentPresenter(
            self.worker,
            self._exporter,
            callLater,
            runs_folder=findRunsFolder(),
            show=self._showRun,
            on_result=self._takeResult,
            on_preview=self._takePreview,
        )

    def _newExamPanel(self) -> ExamPanel:
        return ExamPanel(
            self._ui("Exam"),
            loadFolder=self.loadFolder,
            openDicom=lambda folder: self.opener.openDicom(folder),
            loadSample=self.loadSample,
            onChanged=self.onExamChanged,
        )

    def _newCuration(self) -> CurationWorkbench:
        return CurationWorkbench(
            self._ui,
            self.quickWorker,
            make=self._currentExam,
            choose=self.showExam,
            openResult=self.opener.openWithResult,
            review=self.review,
            edit=self.edit,
            folder=findRunsFolder() / "short-jobs",
        )

    def _newPrior(self) -> PriorSection:
        return PriorSection(
            self._ui("Prior"),
            self.worker,
            self.quickWorker,
            kept=self.curation.whereKept,
            reviewer=lambda: self.curation.saver.view.rater,
            restore=self.curation.restoreViews,
            settle=self.review.takeEdits,
            keptMask=self.curation.findKeptMask,
            reviewKeys=self.review.panel.setActive,
            folder=findRunsFolder() / "comparisons",
        )

    def _newTraining(self) -> TrainingWorkbench:
        return TrainingWorkbench(
            self._ui("Train"),
            self.quickWorker,
            makeWorker(),
            models=list_installed_models,
            library=lambda: slicer.util.settingsValue(LIBRARY_SETTING, ""),
            onDecided=self.onModelDecided,
        )

    def _ui(self, name: str) -> str:
        return self._resourcePath(f"UI/MSSoftSeg{name}.ui")

    def _selections(self) -> Selections:
        images = {slot: self.exam.nodeId(slot) for slot in SLOTS}
        return Selections(**images, case_name=self.exam.caseName, **self.segment.choices())

    def _currentExam(self):
        """The parameters of the exam in the selectors, made where they are missing; None without a FLAIR image."""
        flair = self.exam.node("flair")
        if flair is None:
            return None
        exam = findExamOfFlair(flair) or makeExam(self.exam.caseName)
        exam.flair, exam.t1, exam.t2 = (self.exam.node(slot) for slot in SLOTS)
        exam.caseName = self.exam.caseName
        self._parameters().currentExam = exam.parameterNode
        return exam

    def _showRun(self, view) -> None:
        self.segment.show(view)
        if view.phase in ("failed", "cancelled"):
            self._runExam = None
            self.preview.remove()

    def _takePreview(self, folder: Path) -> None:
        # A result that is being read stays in view until the new one is there.
        if self._runExam is not None and self._isShown(self._runExam) and self.review.exam is None:
            self.preview.show(folder, self._runExam.flair)

    def _takeResult(self, run) -> None:
        exam, self._runExam = self._runExam, None
        self._resultLoader.take(exam, run.kind, run.folder)

    def _showResult(self, exam, live) -> None:
        """A result is in the scene: show it, unless the reader looks at another exam."""
        self.preview.remove()
        if not self._isShown(exam):
            hideNodes([exam.segmentation, exam.brainMask])
            text = _("The result of {case} is ready: choose its FLAIR image to see it.")
            self.runner.say(text.format(case=exam.caseName))
        elif live is not None:
            self._follow(exam)
            # Its nodes are drawn first.
            callLater(0.0, lambda: self._openFresh(exam, live))
        else:
            self.segment.chooseBrainMask(exam.brainMask)
            exam.brainMask.SetDisplayVisibility(True)
            showAlone(exam.flair)

    def _cannotArrive(self, what: str, remedy: str) -> None:
        self.preview.remove()
        # The next exam's run is not to suffer for it.
        if self.runner.view.is_running:
            self.exam.tell(f"{what} {remedy}", "error")
        else:
            self.runner.fail(what, remedy)

    def _openFresh(self, exam, live) -> None:
        if self._isShown(exam) and not self._opening.is_busy:
            self._opening.start(self.review.resuming(exam, live=live), self._cannotOpen)

    def _isShown(self, exam) -> bool:
        return isThere(exam.flair) and exam.flair is self.exam.node("flair")

    def _cannotOpen(self, problem: Exception) -> None:
        self.review.forget()
        text = _("The saved review cannot be read: {reason}. Click Segment to make it again.")
        self.review.panel.say(text.format(reason=find_reason(problem).rstrip(".")))

    def _takePatient(self, folder: Path | None, reason: str) -> None:
        self._patientRun = None
        self.exam.ui.sampleButton.enabled = True
        if folder is None:
            self.exam.tell(_("The digital patient could not be made: {reason}").format(reason=reason), "error")
        else:
            self.loadFolder(folder)

    def _listModels(self) -> None:
        models = self.examiner.models()
        self.segment.setModels(models, self._parameters().model)
        self.training.setModels(models)

    def _showEnvironment(self, view) -> None:
        self.environment.show(view)
        self.segment.setFindingDevices(view.is_busy)
        self.segment.setDevices(view.devices, self._parameters().device)
        self.training.panel.setDevices(view.devices)
