"""The exam on the table as the presenters of the library ask for it: written out, told apart from what is kept, replaced."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from slicer.i18n import tr as _

from MSSoftSegGUI.library.case_loading import closeCase, loadCase
from MSSoftSegGUI.library.case_state import CaseState
from MSSoftSegGUI.scene.exam_drawing import computeDigest, hasDrawing, isFromModel, readDrawing
from MSSoftSegGUI.scene.parameter_nodes import isThere
from MSSoftSegGUI.scene.slice_views import showAlone
from MSSoftSegGUI.worker.chunked_work import ChunkedWork
from MSSoftSegGUI.worker.error_card import ErrorCard, find_reason
from MSSoftSegLib.stepwise import Work


class CurrentExam:
    """current: the exam's parameters, None for none. choose(exam): puts another exam on the table.

    review: the review session. saver: gives the presenter of what is kept. onKept: gets the state of the exam on the table
    when that is in the library.
    """

    def __init__(self, later, files, *, review, choose: Callable, saver: Callable, onKept: Callable) -> None:
        self.current = None
        self._files, self._review, self._choose = files, review, choose
        self._saver, self._onKept = saver, onKept
        self._loading = ChunkedWork(later)

    def stop(self) -> None:
        """The scene is closing: what is being loaded is left."""
        self._loading.stop()

    def holds(self, exam) -> bool:
        """Whether this exam is the one on the table."""
        return self.current is not None and self.current.parameterNode is exam.parameterNode

    def grid(self) -> np.ndarray | None:
        """In which order the library has the voxels of this case; None while it is in none, or in another library."""
        state = self._saver().state
        if not state.grid or not state.is_in(self._saver().library):
            return None
        return np.reshape(state.grid, (4, 4))

    def exam(self):  # from here on called by presenters, which have Python's names
        """The exam on the table."""
        return self.current

    def write_case(self, *, with_images: bool, done, problem) -> None:
        """Write the exam on the table."""
        exam, state = self.current, self._saver().state
        if exam is None or not hasDrawing(exam):
            problem(ErrorCard(_("There is no drawing."), _("Segment this exam, or draw by hand."), "no drawing"))
            return
        if isFromModel(exam):
            self._review.takeEdits()
        isKept = state.is_in(self._saver().library) and not isFromModel(exam)
        start = state.edited_from if isKept else ""
        self._files.writeCase(exam, self.grid(), with_images=with_images, edited_from=start, done=done, problem=problem)

    def keep_state(self, exam, state: CaseState) -> None:
        """The exam is in the library now; nothing happens where the scene has lost it."""
        if exam is None or not isThere(exam.parameterNode):
            return
        exam.curation = state.to_json()
        if self.holds(exam):
            self._onKept(state)

    def unsaved(self) -> str:
        """What on the table is in no library yet, in words; empty for nothing."""
        exam, saver = self.current, self._saver()
        if exam is None or not hasDrawing(exam):
            return ""
        if isFromModel(exam):
            self._review.takeEdits()
        if saver.state.case:
            isDirty = saver.is_notes_unsaved() or self._digest(exam) != saver.state.digest
        elif isFromModel(exam):
            isDirty = bool(exam.decisions or exam.edits)
        else:
            isDirty = bool(readDrawing(exam).any())
        return _("The drawing of {case}").format(case=saver.state.case or exam.caseName) if isDirty else ""

    def load(self, opened, done, problem) -> None:
        """Load a case of the library and put it on the table."""

        def stopped(reason: Exception) -> None:
            text = _("The case could not be loaded: {reason}").format(reason=find_reason(reason))
            problem(ErrorCard(text, _("Try again, or restore the library from a backup."), type(reason).__name__))

        self._loading.start(self._loadCase(opened, done), stopped)

    def _loadCase(self, opened, done) -> Work[None]:
        exam = yield from loadCase(opened, self._saver().rater)
        before = self.current
        isStale = before is not None and CaseState.from_json(before.curation).from_library and not self.unsaved()
        self._choose(exam)
        showAlone(exam.flair)
        if isStale and isThere(before.parameterNode):
            closeCase(before)
        done()

    def _digest(self, exam) -> str:
        try:
            return computeDigest(readDrawing(exam, self.grid()))
        except ValueError:
            # It lies on other voxels than what is kept: that is another drawing.
            return ""
