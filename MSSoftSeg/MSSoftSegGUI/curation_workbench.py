"""Soft label, library, worklist, raters and export put together around the exam on the table and the worker for short jobs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from MSSoftSegGUI.exam.loaded_volumes import findPatientName
from MSSoftSegGUI.library.agreement import LibraryAgreement
from MSSoftSegGUI.library.agreement_scene import AgreementScene
from MSSoftSegGUI.library.case_files import CaseFiles
from MSSoftSegGUI.library.case_state import CaseState
from MSSoftSegGUI.library.cohort_list import CohortList
from MSSoftSegGUI.library.cohort_panel import CohortPanel
from MSSoftSegGUI.library.current_exam import CurrentExam
from MSSoftSegGUI.library.default_settings import LibraryDefault
from MSSoftSegGUI.library.export_panel import LibraryExportPanel
from MSSoftSegGUI.library.export_presenter import LibraryExport
from MSSoftSegGUI.library.panel import LIBRARY_SETTING, LibraryPanel, isKnownLibrary, rememberLibrary
from MSSoftSegGUI.library.raters_panel import RatersPanel
from MSSoftSegGUI.library.save_case import CaseSaver
from MSSoftSegGUI.library.save_job import SoftFile
from MSSoftSegGUI.library.worklist import LibraryWorklist
from MSSoftSegGUI.library.worklist_panel import WorklistPanel
from MSSoftSegGUI.scene.exam_drawing import HandDrawing, hasDrawing, isFromModel, makeDrawing
from MSSoftSegGUI.scene.parameter_nodes import isThere
from MSSoftSegGUI.scene.segments import SEGMENTS
from MSSoftSegGUI.scene.side_by_side import leaveComparison
from MSSoftSegGUI.scene.soft_overlay import hasPossible
from MSSoftSegGUI.soft_label.panel import SoftLabelPanel
from MSSoftSegGUI.soft_label.presenter import DRAWING, Rater, SoftCase, SoftLabelPresenter
from MSSoftSegGUI.soft_label.preview_scene import SoftLabelScene
from MSSoftSegGUI.worker.qt_process import callLater
from MSSoftSegGUI.worker.short_jobs import ShortJobs


class CurationWorkbench(VTKObservationMixin):
    """Everything behind the sections "Soft label" and "Keep and export".

    make: gives the exam on the table, made where it is missing; choose(exam): puts another one there; openResult(files, name,
    result folder): loads an exam with its result.
    review: the review session; edit: the panel with the brush; folder: where files for the worker go.
    """

    def __init__(
        self, ui: Callable[[str], str], worker, *, make, choose, openResult, review, edit, folder: Path
    ) -> None:
        super().__init__()
        self._make, self._review = make, review
        self._jobs = ShortJobs(worker)
        self._files = CaseFiles(callLater, folder)
        self._hand = HandDrawing(edit)
        self._table = CurrentExam(
            callLater,
            self._files,
            review=review,
            choose=choose,
            saver=lambda: self.saver,
            onKept=self._onKept,
        )
        # What was asked about before approving: the exam, and how many lesions nobody decided on.
        self._asked: tuple | None = None
        self._buildSoftLabel(ui, folder)
        self._buildLibrary(ui, folder)
        self.cohortPanel = CohortPanel(ui("Cohort"))
        self.cohort = CohortList(open_exam=openResult, folder=folder.parent / "cohort", show=self.cohortPanel.show)
        self.cohortPanel.setPresenter(self.cohort)
        self.saver.set_library(slicer.util.settingsValue(LIBRARY_SETTING, ""))
        self.library.chooseLibrary(self.saver.library)

    @property
    def panels(self) -> list[tuple]:
        """The section and the panel of each, in order."""
        library = (self.library, self.worklistPanel, self.ratersPanel, self.exportPanel, self.cohortPanel)
        return [("softLabel", self.softLabelPanel), *(("library", panel) for panel in library)]

    def exam(self):
        """The exam on the table, None for none."""
        return self._table.current

    # What happens around it

    def follow(self, exam) -> None:
        """Another exam is on the table, or another drawing of it; None for no exam."""
        self.removeObservers()
        isOther = not (self._table.holds(exam) if exam is not None else self._table.current is None)
        self._table.current = exam
        self._hand.close()
        if isOther:
            # What is said there is about the exam before.
            self.saver.dismiss()
        if hasDrawing(exam):
            if not isFromModel(exam):
                self._hand.open(exam)
            self._observe(exam)
        self._showExam()

    def restore(self) -> None:
        """A scene was opened."""
        leaveComparison()

    def forgetScene(self) -> None:
        """The scene is closing: a save that is under way goes on, for its files are written; all else ends."""
        self.removeObservers()
        self._table.stop()
        self._files.forget()
        self._hand.forget()
        self._table.current = None
        self._softScene.forget()
        self._agreementScene.forget()
        self.softLabel.set_on(False)
        self.worklist.forget_opening()
        self._showExam()

    def shutDown(self) -> None:
        """The module is unloaded."""
        self.forgetScene()

    def restoreViews(self) -> None:
        """What the review shows, or FLAIR alone."""
        if self._table.current is None or not isThere(self._table.current.flair):
            return
        if self._review.exam is not None:
            self._review.display.show()
        else:
            slicer.util.setSliceViewerLayers(background=self._table.current.flair, foreground=None)

    def whereKept(self) -> tuple[str, str, str]:
        """Library, patient and session of the exam on the table, "" where nobody said so yet."""
        state = self.saver.state
        return self.saver.library, state.patient, state.session

    def findKeptMask(self, exam) -> tuple[str, str]:
        """The file of the mask that the library keeps of an exam as corrected or approved, and whose; "" for none."""
        state = CaseState.from_json(exam.curation)
        if state.status not in ("corrected", "approved"):
            return "", ""
        own = state.kept_as.get(self.saver.rater, self.saver.rater)
        # Else the one that the drawing started from: the reader has seen it.
        seen = (name for name, mask in state.masks.items() if mask.path and mask.path == state.edited_from)
        rater = own if own in state.masks else next(seen, next(iter(sorted(state.masks)), ""))
        return (state.masks[rater].path, rater) if rater else ("", "")

    # What the user does

    def onSectionCollapsed(self, isCollapsed: bool) -> None:
        # The library of last time is looked into when somebody wants to see it: no worker starts with the module.
        if not isCollapsed:
            self.setLibrary(self.saver.library)

    def setLibrary(self, library: str) -> None:
        """Look into this library."""
        self.saver.set_library(library)
        self.default.set_library(library)
        self.worklist.set_library(library)

    def onDraw(self) -> None:
        exam = self._make()
        if exam is not None and not hasDrawing(exam):
            makeDrawing(exam)
            self.follow(exam)

    def onTyped(self) -> None:
        exam = self._make()
        if exam is not None:
            self._table.current = exam
            exam.curation = self.saver.state.to_json()

    def onApprove(self) -> None:
        """Approve; where lesions are undecided, only after the reader was told how many, and clicked again."""
        exam, count, total = self._table.current, 0, 0
        if exam is not None and hasDrawing(exam) and isFromModel(exam) and self._review.exam is not None:
            self._review.takeEdits()
            count, total = self._review.presenter.view.undecided, self._review.presenter.view.lesions
        about = (exam.parameterNode.GetID(), count, total) if exam is not None else None
        if count and self._asked != about:
            self._asked = about
            text = _("{count} of {total} lesions are undecided. Click Save and approve again to approve all the same.")
            self.library.ask(text.format(count=count, total=total))
            return
        self._asked = None
        self.saver.save("approved")

    @property
    def isAsking(self) -> bool:
        """Whether the next click on the button approves in spite of undecided lesions."""
        return self._asked is not None

    def onNext(self) -> None:
        self.worklist.open_next(self.saver.state.case)

    def onExport(self) -> None:
        if self.export.view.is_busy:
            self.export.cancel()
        else:
            self.export.export(
                self.saver.library,
                self.exportPanel.choices(),
                selected=self.worklist.view.selected,
                settings=self.default.settings,
            )

    def onKeepSoftLabel(self) -> None:
        path = self.softLabel.shown_file
        if path is not None:
            name = self.softLabel.view.choices.name(len(self.softLabel.chosen))
            self.saver.save(soft=SoftFile(path, name))

    def onCompareSoftLabel(self, shown: bool) -> None:
        others = tuple((rater.name, rater.path) for rater in self.softLabel.chosen if rater.path is not None)
        if shown:
            self.agreement.set_on(False)
        self._softScene.compare(others if shown else None, self.softLabel.fail)

    def onDrawingModified(self, _caller=None, _event=None) -> None:
        if self._table.current is not None and isThere(self._table.current.segmentation):
            self.softLabel.drawing_changed(has_possible=hasPossible(self._table.current.segmentation, SEGMENTS[1].id))

    def onNodeRemoved(self, _caller=None, _event=None) -> None:
        if self._table.current is not None and not hasDrawing(self._table.current):
            # The drawing was deleted: one can draw anew.
            self.follow(self._table.current)

    # How it is put together

    def _buildSoftLabel(self, ui, folder: Path) -> None:
        self.softLabelPanel = SoftLabelPanel(
            ui("SoftLabel"),
            onKeep=self.onKeepSoftLabel,
            onDefault=lambda: self.default.set(self.softLabel.settings),
            onCompare=self.onCompareSoftLabel,
        )
        self._softScene = SoftLabelScene(
            callLater,
            self._files,
            exam=self._table.exam,
            grid=self._table.grid,
            restore=self.restoreViews,
            sayValue=self.softLabelPanel.showValue,
        )
        self.softLabel = SoftLabelPresenter(
            self._jobs, self._softScene, callLater, folder=folder / "soft", show=self._showSoftLabel
        )
        self.softLabelPanel.setPresenter(self.softLabel)

    def _buildLibrary(self, ui, folder: Path) -> None:
        self.library = LibraryPanel(
            ui("Library"), onLibrary=self.setLibrary, onDraw=self.onDraw, onTyped=self.onTyped, onApprove=self.onApprove
        )
        self.worklistPanel = WorklistPanel(ui("Worklist"), onNext=self.onNext)
        self.ratersPanel = RatersPanel(ui("Raters"))
        self.exportPanel = LibraryExportPanel(ui("Export"), onExport=self.onExport)
        self.saver = CaseSaver(
            self._jobs, self._table, known=isKnownLibrary, show=self.library.show, on_saved=self._onSaved
        )
        self.worklist = LibraryWorklist(
            self._jobs,
            self._table,
            rater=lambda: self.saver.rater,
            save=lambda then: self.saver.save(then=then),
            known=isKnownLibrary,
            on_known=rememberLibrary,
            show=self._showWorklist,
        )
        self._agreementScene = AgreementScene(callLater, exam=self._table.exam, restore=self.restoreViews)
        self.agreement = LibraryAgreement(
            self._jobs, self._agreementScene, folder=folder / "agreement", show=self.ratersPanel.show
        )
        self.export = LibraryExport(self._jobs, show=self.exportPanel.show)
        self.default = LibraryDefault(
            self._jobs, show=self._showDefault, on_known=lambda choices: self.softLabel.change(choices)
        )
        self.library.setPresenter(self.saver)
        self.worklistPanel.setPresenter(self.worklist)
        self.ratersPanel.setPresenter(self.agreement)

    def _showExam(self) -> None:
        """Everything follows the exam on the table."""
        exam = self._table.current
        state = CaseState.from_json(exam.curation) if exam is not None else CaseState()
        person = ""
        if exam is not None and isThere(exam.flair) and not state.from_library:
            person = findPatientName(exam.flair)
        self.saver.follow(state, has_drawing=hasDrawing(exam), person=person)
        self._showCase(state)

    def _showCase(self, state: CaseState) -> None:
        exam = self._table.current
        self.library.setDrawEnabled(not hasDrawing(exam))
        self.agreement.follow(state)
        if not hasDrawing(exam):
            self.softLabel.follow(None)
            return
        own = state.kept_as.get(self.saver.rater, self.saver.rater)
        others = [Rater(name, Path(mask.path)) for name, mask in state.masks.items() if mask.path and name != own]
        raters = (Rater(DRAWING), *sorted(others, key=lambda rater: rater.name))
        possible = hasPossible(exam.segmentation, SEGMENTS[1].id)
        self.softLabel.follow(SoftCase(exam.parameterNode.GetID(), raters, possible))

    def _showSoftLabel(self, view) -> None:
        self.softLabelPanel.show(view)
        if not view.is_on:
            self.softLabelPanel.setCompare(False)

    def _showWorklist(self, view) -> None:
        self.worklistPanel.show(view)
        self.library.sayLibrary(view.summary)

    def _showDefault(self, view) -> None:
        self.softLabelPanel.showDefault(view)

    def _onSaved(self, case: str) -> None:
        self.default.refresh()
        self.worklist.refresh()
        exam, state = self._table.current, self.saver.state
        if state.case == case:
            # Where the masks lie now, one's own among them: they are compared and softened from there.
            self._jobs.ask(
                "library-open",
                {"library": self.saver.library, "case": case},
                on_result=lambda summary: self._takeMasks(exam, case, summary),
                on_problem=lambda card: None,
                topic="library-masks",
            )

    def _onKept(self, state: CaseState) -> None:
        self.saver.adopt(state)
        self._showCase(state)

    def _takeMasks(self, exam, case: str, summary) -> None:
        state = self.saver.state
        if state.case == case and exam is self._table.current:
            self._table.keep_state(exam, state.with_masks(summary["raters"]))

    def _observe(self, exam) -> None:
        segmentation = exam.segmentation.GetSegmentation()
        for event in (segmentation.SourceRepresentationModified, segmentation.SegmentModified):
            self.addObserver(segmentation, event, self.onDrawingModified)
        self.addObserver(slicer.mrmlScene, slicer.vtkMRMLScene.NodeRemovedEvent, self.onNodeRemoved)
