"""Whether the masks are still those that were compared: looked at a moment after one was corrected, and when one comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import vtk
from slicer.util import VTKObservationMixin

from MSSoftSegGUI.prior.comparison import ComparedVisit, ReadComparison
from MSSoftSegGUI.prior.corrections import Corrections, FoundMask
from MSSoftSegGUI.prior.kept_cases import list_raters
from MSSoftSegGUI.prior.kept_result import is_result_other
from MSSoftSegGUI.scene.exam_drawing import hasDrawing, isFromModel
from MSSoftSegGUI.scene.review_facts import ReviewFacts
from MSSoftSegGUI.worker.chunked_work import ChunkedWork
from MSSoftSegLib.exam.label_digest import compute_label_digest
from MSSoftSegLib.stepwise import Work

# After the review has taken a stroke over; a slider that is dragged changes the mask many times.
REST_S = 0.4
BEFORE, AFTER = "before", "after"


class Freshness(VTKObservationMixin):
    """tell(visits): whose masks are others now, "before" and "after" in this order; called whenever they were looked at."""

    def __init__(self, later, corrections: Corrections, tell: Callable[[tuple[str, ...]], None]) -> None:
        super().__init__()
        self._later, self._corrections, self._tell = later, corrections, tell
        self._work = ChunkedWork(later)
        self._comparison: ReadComparison | None = None
        self._exams: dict[str, Any] = {}
        self._priorFolder: Path | None = None
        self._kept: bool | None = None
        self._isActive = self._isWaiting = self._isAsked = False

    def watch(
        self, comparison: ReadComparison | None, exams: Mapping[str, Any], priorFolder: Path | None = None
    ) -> None:
        """Look after this comparison; exams: by visit those that are in the scene; priorFolder: of a prior that was a folder."""
        if comparison is None or self._comparison is None or comparison.folder != self._comparison.folder:
            self._kept = None
        self.removeObservers()
        self._work.stop()
        self._comparison, self._priorFolder = comparison, priorFolder
        self._exams = {visit: exam for visit, exam in exams.items() if exam is not None} if comparison else {}
        for exam in self._exams.values():
            # A slider that is let go changes no voxel any more, but from then on its place counts.
            self.addObserver(exam.parameterNode, vtk.vtkCommand.ModifiedEvent, self.onModified)
            if hasDrawing(exam):
                segmentation = exam.segmentation.GetSegmentation()
                for event in (segmentation.SourceRepresentationModified, segmentation.SegmentModified):
                    self.addObserver(segmentation, event, self.onModified)
        self._isAsked = comparison is not None
        self._look()

    def setActive(self, active: bool) -> None:
        """Whether somebody looks at the comparison: else nothing is computed."""
        self._isActive = active
        # Nothing tells that a folder was written to: it is looked into whenever somebody comes back to it.
        self._isAsked = self._isAsked or self._priorFolder is not None
        self._look()

    def takeCase(self, summary: Mapping[str, Any], rater: str) -> None:
        """What the library says of the earlier visit now; rater: whose mask was asked for, "" for the latest."""
        if self._comparison is not None and len(self._comparison.series) > 1:
            self._kept = is_kept_mask_other(summary, self._comparison.series[-2], rater)
            self._isAsked = True
            self._look()

    def onModified(self, _caller=None, _event=None) -> None:
        """Something was drawn, cut elsewhere or decided."""
        self._isAsked = True
        if not self._isWaiting:
            self._isWaiting = True
            self._later(REST_S, self._rest)

    def _rest(self) -> None:
        self._isWaiting = False
        self._look()

    def _look(self) -> None:
        if self._isActive and self._isAsked and not self._isWaiting and self._comparison is not None:
            self._isAsked = False
            # What cannot be read is not said to have changed.
            self._work.start(self._looking(self._comparison), lambda problem: None)

    def _looking(self, comparison: ReadComparison) -> Work[None]:
        self._corrections.settle()
        visits = dict(zip((BEFORE, AFTER), comparison.series[-2:], strict=True))
        changed = []
        for visit, compared in visits.items():
            yield
            exam = self._exams.get(visit)
            isOther = is_other(exam, self._corrections.find(exam), compared) if exam is not None else None
            if visit == BEFORE and exam is None:
                isOther = self._kept or (self._priorFolder and is_result_other(self._priorFolder, compared))
            if isOther:
                changed.append(visit)
        self._tell(tuple(changed))


def is_other(exam, found: FoundMask, compared: ComparedVisit) -> bool | None:
    """Whether this is another mask than the one that was compared; None where that cannot be known."""
    if found.isLost:
        return None
    if found.labels is None:
        if compared.reader is not None:
            return True
        known = ReviewFacts.from_json(exam.lesionFacts).model if isFromModel(exam) else ""
        return known != compared.model if known and compared.model else None
    return compute_label_digest(found.labels, found.grid) != compared.digest if compared.digest else None


def is_kept_mask_other(summary: Mapping[str, Any], compared: ComparedVisit, rater: str) -> bool | None:
    """The same of a case that a library has, from what ``library-open`` says of it."""
    raters = list_raters(summary)
    if compared.reader is None:
        return bool(raters)
    if not compared.sha256:
        return None
    wanted = rater or next(iter(raters), "")
    return wanted not in raters or summary["raters"][wanted].get("sha256") != compared.sha256
