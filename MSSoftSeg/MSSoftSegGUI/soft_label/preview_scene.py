"""The soft label in the scene: written out, laid over FLAIR, beside the raters who made it, with the value under the mouse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.scene.layouts import LINKED_VIEWS, SIDE_VIEWS
from MSSoftSegGUI.scene.nodes import removeNodes
from MSSoftSegGUI.scene.parameter_nodes import isThere
from MSSoftSegGUI.scene.side_by_side import SideBySide, SideView
from MSSoftSegGUI.scene.slice_views import findCompositeNodes
from MSSoftSegGUI.scene.soft_overlay import SOFT_OPACITY, MouseValue, SoftOverlay, addOutline
from MSSoftSegGUI.soft_label.presenter import SoftInputs
from MSSoftSegGUI.worker.chunked_work import ChunkedWork
from MSSoftSegGUI.worker.error_card import ErrorCard, find_reason
from MSSoftSegLib.stepwise import Work


class SoftLabelScene:
    """exam: gives the exam on the table; grid: in which order its library has the voxels, None for no library.

    restore: lays what the review shows over FLAIR again; sayValue: gets a text.
    """

    def __init__(
        self,
        later,
        files,
        *,
        exam: Callable,
        grid: Callable,
        restore: Callable[[], None],
        sayValue: Callable[[str], None],
    ):
        self._files, self._exam, self._grid, self._restore, self._sayValue = files, exam, grid, restore, sayValue
        self._work, self._outlining = ChunkedWork(later), ChunkedWork(later)
        self._overlay = SoftOverlay(_("Soft label"))
        self._outlines: list = []
        self._views = SideBySide()
        self._mouse = MouseValue(self.onMouse)
        self._isShown = False

    def write(self, done: Callable[[SoftInputs], None], problem: Callable[[ErrorCard], None]) -> None:
        """Write the drawing and FLAIR for the worker."""
        self._files.writeDrawing(
            self._exam(), self._grid(), lambda drawing, flair: done(SoftInputs(drawing, flair)), problem
        )

    def show(self, soft_mask: Path, done: Callable[[], None], problem: Callable[[ErrorCard], None]) -> None:
        """Lay a soft mask over FLAIR."""
        exam = self._exam()

        def work() -> Work[None]:
            yield from self._overlay.showing(soft_mask, exam.flair)
            if not self._isShown:
                self._lay(exam)
            done()

        def stopped(reason: Exception) -> None:
            text = _("The soft label could not be shown: {reason}").format(reason=find_reason(reason))
            problem(ErrorCard(text, _("Try again."), type(reason).__name__))

        self._work.start(work(), stopped)

    def hide(self) -> None:
        """Take the soft label away and show what was there before."""
        self._work.stop()
        wasShown, self._isShown = self._isShown, False
        self._mouse.stop()
        self._sayValue("")
        self.compare(None)
        self._overlay.remove()
        if wasShown:
            self._restore()

    def forget(self) -> None:
        """The scene is closing."""
        self._work.stop()
        self._outlining.stop()
        self._mouse.stop()
        self._isShown = False
        self._overlay.node, self._outlines = None, []
        self._views.hide()

    def compare(self, raters: tuple[tuple[str, Path], ...] | None, problem: Callable[[ErrorCard], None] | None = None):
        """Raters' outlines on the left and the soft label on the right; raters: those beside the drawing; None: no more."""
        self._outlining.stop()
        removeNodes(self._outlines)
        self._outlines = []
        if raters is None:
            if self._views.isShown:
                self._views.hide()
                if self._isShown:
                    self._lay(self._exam())
            return

        def stopped(reason: Exception) -> None:
            text = _("A rater’s mask could not be shown: {reason}").format(reason=find_reason(reason))
            if problem is not None:
                problem(ErrorCard(text, _("Open the case again."), type(reason).__name__))

        self._outlining.start(self._comparing(raters), stopped)

    def onMouse(self, ras) -> None:
        value = self._overlay.valueAt(ras) if ras is not None else None
        if value is None:
            self._sayValue("")
        else:
            place = ", ".join(f"{each:.0f}" for each in ras)
            text = _("Soft label under the mouse: {value:.2f} at R, A, S {place} mm")
            self._sayValue(text.format(value=value, place=place))

    def _comparing(self, raters) -> Work[None]:
        exam = self._exam()
        for number, (name, path) in enumerate(raters):
            self._outlines.append((yield from addOutline(path, name, number, exam.flair)))
        views = (
            SideView(_("Raters"), None, tuple(self._outlines)),
            SideView(_("Soft label"), self._overlay.node if isThere(self._overlay.node) else None),
        )
        self._views.show(exam.flair, views, SOFT_OPACITY)
        slicer.util.resetSliceViews()

    def _lay(self, exam) -> None:
        """The soft label in front in every view but those that compare."""
        self._isShown = True
        for composite in findCompositeNodes():
            if composite.GetLayoutName() not in (*LINKED_VIEWS, *SIDE_VIEWS):
                composite.SetBackgroundVolumeID(exam.flair.GetID())
                composite.SetForegroundVolumeID(self._overlay.node.GetID())
                composite.SetForegroundOpacity(SOFT_OPACITY)
        self._mouse.start()
