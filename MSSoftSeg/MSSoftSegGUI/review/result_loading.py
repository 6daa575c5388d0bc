"""A finished run comes home: its files are read and its nodes made in turns, and the exam that it belongs to gets them.

The reader may have gone on to another exam meanwhile; then nothing on the screen changes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from MSSoftSegGUI.review.material import read_in_steps
from MSSoftSegGUI.scene.case_folder import makeFolder
from MSSoftSegGUI.scene.nodes import removeNodes
from MSSoftSegGUI.scene.parameter_nodes import isThere
from MSSoftSegGUI.scene.preprocessed_nodes import addBrainMask, addWorkingImages
from MSSoftSegGUI.worker.chunked_work import PROBLEMS, ChunkedWork
from MSSoftSegGUI.worker.error_card import find_reason
from MSSoftSegLib.stepwise import Work


class ResultLoader:
    """show(exam, live) is called for an exam whose result is in the scene; fail(what, remedy) where it cannot be."""

    def __init__(self, later, review, *, show: Callable, fail: Callable[[str, str], None]) -> None:
        self._work, self._review, self._show, self._fail = ChunkedWork(later), review, show, fail
        self._waiting: list[tuple[Any, str, Path]] = []

    def forget(self) -> None:
        """The scene is closing."""
        self._waiting.clear()
        self._work.stop()

    def take(self, exam, kind: str, folder: Path) -> None:
        """Bring a result folder of ``segment`` or ``preprocess`` into the scene, after those that are under way."""
        self._waiting.append((exam, kind, folder))
        if not self._work.is_busy:
            self._work.start(self._taking(), lambda _problem: None)

    def _taking(self) -> Work[None]:
        while self._waiting:
            exam, kind, folder = self._waiting.pop(0)
            try:
                yield from (self._takingImages if kind == "preprocess" else self._takingResult)(exam, folder)
            except PROBLEMS as problem:
                self._onProblem(problem, folder)

    def _takingResult(self, exam, folder: Path) -> Work[None]:
        material = yield from read_in_steps(folder)
        yield
        if not self._isThere(exam):
            return
        live = yield from self._review.adding(exam, material, makeFolder(exam.caseName, exam.flair))
        old, exam.resultFolder = exam.resultFolder, str(folder)
        if old and Path(old) != folder and Path(old).parent.parent == folder.parent.parent:
            # Superseded, and in our own folder for runs.
            shutil.rmtree(Path(old).parent, ignore_errors=True)
        self._show(exam, live)

    def _takingImages(self, exam, folder: Path) -> Work[None]:
        if not self._isThere(exam):
            return
        item = makeFolder(exam.caseName, exam.flair)
        yield from addWorkingImages(folder, item, exam.caseName)
        mask = yield from addBrainMask(folder, exam.flair, item, exam.caseName)
        old, exam.brainMask = exam.brainMask, mask
        removeNodes([old])
        self._show(exam, None)

    def _isThere(self, exam) -> bool:
        if isThere(exam.flair):
            return True
        self._fail(
            _("The FLAIR image was removed from the scene before its result came."),
            _("Load the exam again and click Segment."),
        )
        return False

    def _onProblem(self, problem: Exception, folder: Path) -> None:
        self._fail(
            _("The result could not be read: {reason}").format(reason=find_reason(problem)),
            _("Click Segment again. If it happens twice, see whether the disk is full."),
        )
        shutil.rmtree(folder.parent, ignore_errors=True)
