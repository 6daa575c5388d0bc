"""Two raters' masks in the scene, each in a view of its own, and between nothing and certain what both make of it."""

from __future__ import annotations

from collections.abc import Callable

import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.scene.nodes import hideNodes, removeNodes
from MSSoftSegGUI.scene.parameter_nodes import isThere
from MSSoftSegGUI.scene.side_by_side import SideBySide, SideView
from MSSoftSegGUI.scene.soft_overlay import SOFT_OPACITY, SoftOverlay, addOutline
from MSSoftSegGUI.worker.chunked_work import ChunkedWork
from MSSoftSegGUI.worker.error_card import ErrorCard, find_reason
from MSSoftSegLib.stepwise import Work


class AgreementScene:
    """exam: gives the exam on the table; restore: shows what the review shows again."""

    def __init__(self, later, *, exam: Callable, restore: Callable[[], None]) -> None:
        self._exam, self._restore = exam, restore
        self._work = ChunkedWork(later)
        self._overlay = SoftOverlay(_("Agreement"))
        self._outlines: list = []
        self._hidden = None
        self._views = SideBySide()

    def show(self, pair, done: Callable[[], None], problem: Callable[[ErrorCard], None]) -> None:
        """Show a ``Pair``: the first rater, the second, their soft union."""

        def stopped(reason: Exception) -> None:
            text = _("The masks could not be shown: {reason}").format(reason=find_reason(reason))
            problem(ErrorCard(text, _("Open the case again."), type(reason).__name__))

        self._work.start(self._showing(pair, done), stopped)

    def hide(self) -> None:
        """Take them away and show what was there before."""
        self._work.stop()
        removeNodes(self._outlines)
        self._outlines = []
        self._overlay.remove()
        wasShown = self._views.isShown
        self._views.hide()
        drawing, self._hidden = self._hidden, None
        if isThere(drawing):
            drawing.SetDisplayVisibility(True)
        if wasShown:
            self._restore()

    def forget(self) -> None:
        """The scene is closing."""
        self._work.stop()
        self._overlay.node, self._outlines, self._hidden = None, [], None
        self._views.hide()

    def _showing(self, pair, done: Callable[[], None]) -> Work[None]:
        exam = self._exam()
        yield from self._overlay.showing(pair.soft_union, exam.flair)
        yield
        removeNodes(self._outlines)
        self._outlines = []
        for number, (name, path) in enumerate(((pair.first, pair.first_mask), (pair.second, pair.second_mask))):
            self._outlines.append((yield from addOutline(path, name, number, exam.flair)))
        first, second = self._outlines
        if isThere(exam.segmentation):
            # What is drawn on would lie over both of them.
            self._hidden = exam.segmentation
            hideNodes([self._hidden])
        views = (
            SideView(pair.first, None, (first,)),
            SideView(pair.second, None, (second,)),
            SideView(_("Agreement"), self._overlay.node),
        )
        self._views.show(exam.flair, views, SOFT_OPACITY)
        slicer.util.resetSliceViews()
        done()
