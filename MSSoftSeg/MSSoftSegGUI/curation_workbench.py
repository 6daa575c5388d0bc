"""Soft label, library, worklist, raters and export put together around the exam on the table and the desk worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from MSSoftSegGUI.agreement_stage import AgreementStage
from MSSoftSegGUI.case_files import CaseFiles
from MSSoftSegGUI.case_loading import closeCase, loadingCase
from MSSoftSegGUI.curation_nodes import hasPossible
from MSSoftSegGUI.desk_jobs import DeskJobs
from MSSoftSegGUI.edit_presenter import SEGMENTS
from MSSoftSegGUI.error_card import ErrorCard, reason_of
from MSSoftSegGUI.exam_drawing import HandDrawing, digestOf, hasDrawing, isFromModel, newDrawing, readDrawing
from MSSoftSegGUI.library_agreement import LibraryAgreement
from MSSoftSegGUI.library_case_state import CaseState
from MSSoftSegGUI.library_default import LibraryDefault
from MSSoftSegGUI.library_export_panel import LibraryExportPanel
from MSSoftSegGUI.library_export_presenter import LibraryExport
from MSSoftSegGUI.library_keeping import LibraryKeeping, SoftFile
from MSSoftSegGUI.library_panel import LIBRARY_SETTING, LibraryPanel, isKnownLibrary, rememberLibrary
from MSSoftSegGUI.library_worklist import LibraryWorklist
from MSSoftSegGUI.loaded_volumes import patientNameOf
from MSSoftSegGUI.parameter_nodes import isThere
from MSSoftSegGUI.qt_process import later
from MSSoftSegGUI.raters_panel import RatersPanel
from MSSoftSegGUI.side_by_side import leaveComparison
from MSSoftSegGUI.soft_label_panel import SoftLabelPanel
from MSSoftSegGUI.soft_label_presenter import DRAWING, Rater, SoftCase, SoftLabelPresenter
from MSSoftSegGUI.soft_label_stage import SoftLabelStage
from MSSoftSegGUI.turns import Turns, Work
from MSSoftSegGUI.worklist_panel import WorklistPanel


class CurationWorkbench(VTKObservationMixin):
    """Everything behind the sections "Soft label" and "Keep and export".

    make: gives the exam on the table, made where it is missing; choose(exam): puts another one there.
    review: the review session; edit: the panel with the brush; folder: where files for the worker go.
    """

    def __init__(self, ui: Callable[[str], str], worker, *, make, choose, review, edit, folder: Path) -> None:
        super().__init__()
        self._make, self._choose, self._review = make, choose, review
        self._jobs = DeskJobs(worker)
        self._files = CaseFiles(later, folder)
        self._hand = HandDrawing(edit)
        self._loading = Turns(later)
        self._exam = None
        self._buildSoftLabel(ui, folder)
        self._buildLibrary(ui, folder)
        self.keeping.set_library(slicer.util.settingsValue(LIBRARY_SETTING, ""))
        self.library.chooseLibrary(self.keeping.library)

    @property
    def panels(self) -> list[tuple]:
        """The section and the panel of each, in order."""
        library = (self.library, self.worklistPanel, self.ratersPanel, self.exportPanel)
        return [("softLabel", self.softLabelPanel), *(("library", panel) for panel in library)]

    # What happens around it

    def follow(self, exam) -> None:
        """Another exam is on the table, or another drawing of it; None for no exam."""
        self.removeObservers()
        isOther = not (self._isOnTable(exam) if exam is not None else self._exam is None)
        self._exam = exam
        self._hand.close()
        if isOther:
            # What is said there is about the exam before.
            self.keeping.dismiss()
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
        self._loading.stop()
        self._files.forget()
        self._hand.forget()
        self._exam = None
        self._softStage.forget()
        self._agreementStage.forget()
        self.softLabel.set_on(False)
        self.worklist.forget_opening()
        self._showExam()

    def shutDown(self) -> None:
        """The module is unloaded."""
        self.forgetScene()

    # What presenters ask of the scene

    def exam(self):
        """The exam on the table, None for none."""
        return self._exam

    def write_case(self, *, with_images: bool, done, problem) -> None:  # called by presenters, with Python's names
        """Write the exam on the table."""
        exam, state = self._exam, self.keeping.state
        if exam is None or not hasDrawing(exam):
            problem(ErrorCard(_("There is no drawing."), _("Segment this exam, or draw by hand."), "no drawing"))
            return
        if isFromModel(exam):
            self._review.takeEdits()
        start = state.edited_from if state.is_in(self.keeping.library) and not isFromModel(exam) else ""
        self._files.writeCase(
            exam, self._grid(state), with_images=with_images, edited_from=start, done=done, problem=problem
        )

    def keep_state(self, exam, state: CaseState) -> None:
        """The exam is in the library now."""
        if exam is None or not isThere(exam.parameterNode):
            return
        exam.curation = state.to_json()
        if self._isOnTable(exam):
            self.keeping.adopt(state)
            self._showCase(state)

    def unsaved(self) -> str:
        """What on the table is in no library yet."""
        exam = self._exam
        if exam is None or not hasDrawing(exam):
            return ""
        if isFromModel(exam):
            self._review.takeEdits()
        state = self.keeping.state
        if state.case:
            isDirty = self.keeping.is_notes_unsaved() or digestOf(readDrawing(exam, self._grid(state))) != state.digest
        elif isFromModel(exam):
            isDirty = bool(exam.decisions or exam.edits)
        else:
            isDirty = bool(readDrawing(exam).any())
        name = state.case or exam.caseName
        return _("The drawing of {case}").format(case=name) if isDirty else ""

    def load(self, opened, done, problem) -> None:
        """Load a case of the library and put it on the table."""

        def stopped(reason: Exception) -> None:
            text = _("The case could not be loaded: {reason}").format(reason=reason_of(reason))
            problem(ErrorCard(text, _("Try again, or restore the library from a backup."), type(reason).__name__))

        self._loading.start(self._loadingCase(opened, done), stopped)

    # What the user does

    def onSectionCollapsed(self, isCollapsed: bool) -> None:
        # The library of last time is looked into when somebody wants to see it: no worker starts with the module.
        if not isCollapsed:
            self.setLibrary(self.keeping.library)

    def setLibrary(self, library: str) -> None:
        """Look into this library."""
        self.keeping.set_library(library)
        self.default.set_library(library)
        self.worklist.set_library(library)

    def onDraw(self) -> None:
        exam = self._make()
        if exam is not None and not hasDrawing(exam):
            newDrawing(exam)
            self.follow(exam)

    def onTyped(self) -> None:
        exam = self._make()
        if exam is not None:
            self._exam = exam
            exam.curation = self.keeping.state.to_json()

    def onNext(self) -> None:
        self.worklist.open_next(self.keeping.state.case)

    def onExport(self) -> None:
        if self.export.view.is_busy:
            self.export.cancel()
        else:
            self.export.export(
                self.keeping.library,
                self.exportPanel.choices(),
                selected=self.worklist.view.selected,
                settings=self.default.settings,
            )

    def onKeepSoftLabel(self) -> None:
        path = self.softLabel.shown_file
        if path is not None:
            name = self.softLabel.view.choices.name(len(self.softLabel.chosen))
            self.keeping.save(soft=SoftFile(path, name))

    def onCompareSoftLabel(self, shown: bool) -> None:
        others = tuple((rater.name, rater.path) for rater in self.softLabel.chosen if rater.path is not None)
        if shown:
            self.agreement.set_on(False)
        self._softStage.compare(others if shown else None, self.softLabel.fail)

    def onDrawingModified(self, _caller=None, _event=None) -> None:
        if self._exam is not None and isThere(self._exam.segmentation):
            self.softLabel.drawing_changed(has_possible=hasPossible(self._exam.segmentation, SEGMENTS[1].id))

    # How it is put together

    def _buildSoftLabel(self, ui, folder: Path) -> None:
        self.softLabelPanel = SoftLabelPanel(
            ui("SoftLabel"),
            onKeep=self.onKeepSoftLabel,
            onDefault=lambda: self.default.set(self.softLabel.settings),
            onCompare=self.onCompareSoftLabel,
        )
        self._softStage = SoftLabelStage(
            later,
            self._files,
            exam=lambda: self._exam,
            grid=lambda: self._grid(self.keeping.state),
            restore=self._restoreViews,
            sayValue=self.softLabelPanel.showValue,
        )
        self.softLabel = SoftLabelPresenter(
            self._jobs, self._softStage, later, folder=folder / "soft", show=self._showSoftLabel
        )
        self.softLabelPanel.setPresenter(self.softLabel)

    def _buildLibrary(self, ui, folder: Path) -> None:
        self.library = LibraryPanel(ui("Library"), onLibrary=self.setLibrary, onDraw=self.onDraw, onTyped=self.onTyped)
        self.worklistPanel = WorklistPanel(ui("Worklist"), onNext=self.onNext)
        self.ratersPanel = RatersPanel(ui("Raters"))
        self.exportPanel = LibraryExportPanel(ui("Export"), onExport=self.onExport)
        self.keeping = LibraryKeeping(
            self._jobs, self, known=isKnownLibrary, show=self.library.show, on_saved=self._onSaved
        )
        self.worklist = LibraryWorklist(
            self._jobs,
            self,
            rater=lambda: self.keeping.rater,
            save=lambda then: self.keeping.save(then=then),
            known=isKnownLibrary,
            on_known=rememberLibrary,
            show=self._showWorklist,
        )
        self._agreementStage = AgreementStage(later, exam=lambda: self._exam, restore=self._restoreViews)
        self.agreement = LibraryAgreement(
            self._jobs, self._agreementStage, folder=folder / "agreement", show=self.ratersPanel.show
        )
        self.export = LibraryExport(self._jobs, show=self.exportPanel.show)
        self.default = LibraryDefault(
            self._jobs, show=self._showDefault, on_known=lambda choices: self.softLabel.change(choices)
        )
        self.library.setPresenter(self.keeping)
        self.worklistPanel.setPresenter(self.worklist)
        self.ratersPanel.setPresenter(self.agreement)

    def _showExam(self) -> None:
        """Everything follows the exam on the table."""
        exam = self._exam
        state = CaseState.from_json(exam.curation) if exam is not None else CaseState()
        person = ""
        if exam is not None and isThere(exam.flair) and not state.from_library:
            person = patientNameOf(exam.flair)
        self.keeping.follow(state, has_drawing=hasDrawing(exam), person=person)
        self._showCase(state)

    def _showCase(self, state: CaseState) -> None:
        exam = self._exam
        self.library.setDrawEnabled(not hasDrawing(exam))
        self.agreement.follow(state)
        if not hasDrawing(exam):
            self.softLabel.follow(None)
            return
        own = state.kept_as.get(self.keeping.rater, self.keeping.rater)
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

    def _observe(self, exam) -> None:
        segmentation = exam.segmentation.GetSegmentation()
        for event in (segmentation.SourceRepresentationModified, segmentation.SegmentModified):
            self.addObserver(segmentation, event, self.onDrawingModified)

    def _restoreViews(self) -> None:
        """What the review shows, or FLAIR alone."""
        if self._exam is None or not isThere(self._exam.flair):
            return
        if self._review.exam is not None:
            self._review.refreshDisplay()
        else:
            slicer.util.setSliceViewerLayers(background=self._exam.flair, foreground=None)

    def _grid(self, state: CaseState):
        """In which order the library has the voxels of this case; None while it is in none, or in another library."""
        if not state.grid or not state.is_in(self.keeping.library):
            return None
        return np.reshape(state.grid, (4, 4))

    def _isOnTable(self, exam) -> bool:
        return self._exam is not None and self._exam.parameterNode is exam.parameterNode

    def _loadingCase(self, opened, done) -> Work[None]:
        exam = yield from loadingCase(opened, self.keeping.rater)
        before = self._exam
        isStale = before is not None and CaseState.from_json(before.curation).from_library and not self.unsaved()
        self._choose(exam)
        slicer.util.setSliceViewerLayers(background=exam.flair, foreground=None, fit=True)
        if isStale and isThere(before.parameterNode):
            closeCase(before)
        done()
