"""The section put together: what can be compared, the run, the reading, and what of it is in the scene."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.prior.candidates import PriorCandidate, Today, offer_loaded_result
from MSSoftSegGUI.prior.carrying import keep_decisions
from MSSoftSegGUI.prior.comparison import is_comparison, read_comparison
from MSSoftSegGUI.prior.comparison_scene import ComparisonScene
from MSSoftSegGUI.prior.corrections import Corrections, KeptMask
from MSSoftSegGUI.prior.decisions import REJECTED
from MSSoftSegGUI.prior.freshness import AFTER, BEFORE, Freshness
from MSSoftSegGUI.prior.kept_result import find_result_folder
from MSSoftSegGUI.prior.panel import PriorPanel
from MSSoftSegGUI.prior.presenter import ComparePresenter, find_free_name
from MSSoftSegGUI.prior.reading import ChangeReading
from MSSoftSegGUI.scene.parameter_nodes import EXAM_TAG, findExamOfNode, isThere
from MSSoftSegGUI.worker.error_card import find_reason, make_sentence
from MSSoftSegGUI.worker.qt_process import callLater
from MSSoftSegGUI.worker.short_jobs import ShortJobs
from MSSoftSegLib.result_files import FACTS_FILE, REPORT_FILE


class PriorSection:
    """worker: segments and compares; quickWorker: answers for the library. folder: for comparisons that nobody keeps.

    kept: gives library, patient and session of the exam on the table, "" where not known. reviewer: gives the reader's name.
    settle: takes over what was painted a moment ago. keptMask(exam): path and rater of the mask that the library has of it.
    restore: shows in the views what was there before. reviewKeys: says whether the keys are the review's.
    """

    def __init__(
        self,
        uiPath: str,
        worker,
        quickWorker,
        *,
        kept: Callable,
        reviewer: Callable[[], str],
        restore: Callable[[], None],
        settle: Callable[[], None],
        keptMask: Callable,
        reviewKeys: Callable[[bool], None],
        folder: Path,
    ) -> None:
        self._kept, self._folder, self._reviewKeys = kept, folder, reviewKeys
        self._exam = None
        self._isFolded, self._isEntered, self._isShown = True, False, False
        self.panel = self._newPanel(uiPath)
        self.scene = ComparisonScene(callLater, exam=lambda: self._exam, restore=restore, onProblem=self._cannotShow)
        corrections = Corrections(
            callLater,
            folder / "corrected",
            settle=settle,
            kept=lambda exam: KeptMask(*keptMask(exam)),
            rater=reviewer,
        )
        self.freshness = Freshness(callLater, corrections, tell=lambda visits: self.reading.mark_changed(visits))
        self.reading = ChangeReading(show=self._showReading, jump=self._jump, reviewer=reviewer)
        self.presenter = ComparePresenter(
            worker,
            ShortJobs(quickWorker),
            callLater,
            corrections,
            runs_folder=folder,
            loaded=self._loaded,
            keep=lambda: self.panel.keepFolder,
            show=self.panel.show,
            on_compared=self._compared,
            on_case=self._takeCase,
        )
        self.panel.setPresenters(self.presenter, self.reading)

    @property
    def widget(self):
        """What is laid out in the section."""
        return self.panel.widget

    def enter(self) -> None:
        """The module is opened; after the review, whose keys these are while nothing is compared."""
        self._isEntered = True
        self._giveKeys()
        self.freshness.setActive(not self._isFolded)

    def leave(self) -> None:
        """Another module is opened."""
        self._isEntered = False
        self.panel.setKeysActive(False)

    def follow(self, exam) -> None:
        """Another exam is on the table, or another result of it; None for no exam."""
        isSame = exam is not None and self._exam is not None and exam.parameterNode is self._exam.parameterNode
        self._exam = exam
        today = self._today(exam)
        self.presenter.follow(today)
        shown = self.reading.comparison
        if not isSame or shown is None or str(shown.folder) != today.comparison:
            self._open(today.comparison if today is not None else "", exam.comparisonPair if today is not None else "")
        self._watch()
        if not self._isFolded:
            self.presenter.look()

    def onFolded(self, isFolded: bool) -> None:
        """The section is opened or folded away: the library is asked when somebody looks."""
        self._isFolded = isFolded
        self.freshness.setActive(not isFolded)
        if isFolded:
            self.onViews(False)
        else:
            self.presenter.follow(self._today(self._exam))
            self.presenter.look()

    def forgetScene(self) -> None:
        """The scene is closing."""
        self.scene.forget()
        self._setShown(False)
        self._exam = None
        self.freshness.watch(None, {})
        self.presenter.forget()
        self.reading.close()

    def onViews(self, shown: bool) -> None:
        """The button: side by side, or what was there before."""
        if shown and self.reading.comparison is not None:
            self.scene.show(self.reading.comparison, self.reading.view.row_of(self.reading.view.selected))
        else:
            self.scene.hide()
        self._setShown(shown and self.reading.comparison is not None)

    def onPair(self, pair: str) -> None:
        """Other visits of the same comparison: in the table, and side by side where they stood so."""
        shown, wasShown = self.reading.comparison, self._isShown
        if shown is None or pair == shown.pair:
            return
        self._exam.comparisonPair = pair
        self._open(str(shown.folder), pair)
        self._watch()
        if wasShown and self.reading.view.is_open:
            self.onViews(True)

    def onPage(self) -> None:
        """The comparison's page, in the browser."""
        if self.reading.comparison is not None:
            page = self.reading.comparison.folder / REPORT_FILE
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(page)))

    def onKeep(self) -> None:
        """A folder was chosen to keep comparisons in: the one that is open goes there too, with what was said of it."""
        comparison, keep = self.reading.comparison, self.panel.keepFolder
        if not keep or comparison is None or self._folder not in comparison.folder.parents:
            return
        target = find_free_name(Path(keep), self._exam.caseName)
        partial = target.with_name(f".{target.name}.partial")
        try:
            shutil.copytree(comparison.folder, partial)
            partial.rename(target)
        except (OSError, shutil.Error):
            shutil.rmtree(partial, ignore_errors=True)
            self.presenter.fail(_("The comparison could not be copied there."), _("Choose another folder."))
            return
        self._exam.comparison = str(target)
        self.follow(self._exam)
        self.presenter.say(_("The comparison is kept as {name}.").format(name=target.name))

    def _newPanel(self, uiPath: str) -> PriorPanel:
        return PriorPanel(
            uiPath,
            onViews=self.onViews,
            onKeep=self.onKeep,
            onPage=self.onPage,
            onPair=self.onPair,
            onAgain=lambda: self.presenter.compare_again(),
        )

    def _setShown(self, shown: bool) -> None:
        self._isShown = shown
        self.panel.setViewsShown(shown)
        self._giveKeys()

    def _giveKeys(self) -> None:
        """Who looks at changes decides on them, and not unseen on a lesion of the review."""
        if self._isEntered:
            self.panel.setKeysActive(self._isShown)
            self._reviewKeys(not self._isShown)

    def _today(self, exam) -> Today | None:
        if exam is None or not isThere(exam.flair):
            return None
        result = Path(exam.resultFolder) if exam.resultFolder else None
        isWhole = result is not None and (result / FACTS_FILE).is_file()
        library, patient, session = self._kept()
        return Today(
            exam=exam.parameterNode.GetID(),
            case_name=exam.caseName,
            result=result if isWhole else None,
            comparison=exam.comparison,
            prior=exam.prior,
            rater=exam.priorRater,
            library=library,
            patient=patient,
            session=session,
        )

    def _loaded(self) -> tuple[PriorCandidate, ...]:
        """The other exams of the scene whose results are there."""
        found = []
        for node in slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode"):
            exam = findExamOfNode(node) if node.GetAttribute(EXAM_TAG) else None
            if exam is None or not exam.resultFolder or (self._exam and node is self._exam.parameterNode):
                continue
            if (Path(exam.resultFolder) / FACTS_FILE).is_file():
                found.append(offer_loaded_result(exam.caseName, Path(exam.resultFolder), node.GetID()))
        return tuple(found)

    def _compared(self, today: Today, folder: Path) -> None:
        """A comparison is there: it belongs to its exam, and is shown unless the reader looks at another one."""
        exam = findExamOfNode(slicer.mrmlScene.GetNodeByID(today.exam))
        if exam is None:
            return
        before, exam.comparison, exam.comparisonPair = exam.comparison, str(folder), ""
        exam.prior, exam.priorRater = today.prior, today.rater
        said = self._takeOver(before, folder) if today.prior else ""
        if self._exam is None or self._exam.parameterNode is not exam.parameterNode:
            text = _("The comparison of {case} is ready: choose its FLAIR image to see it.")
            self.presenter.say(" ".join(filter(None, (text.format(case=exam.caseName), said))))
            return
        self.presenter.follow(self._today(exam))
        self._open(str(folder))
        self._watch()
        if self.reading.view.is_open:
            goes = _("This comparison goes when Slicer is closed, unless you choose a folder to keep it in.")
            notes = (said, goes if self._folder in folder.parents else "")
            if any(notes):
                self.presenter.say(" ".join(filter(None, notes)))
            if not self._isFolded:
                self.onViews(True)

    def _takeOver(self, before: str, folder: Path) -> str:
        """What was said of the comparison before goes on to this one, before anybody looks at it."""
        if not before or Path(before) == folder or not is_comparison(Path(before)):
            return ""
        try:
            return keep_decisions(Path(before), read_comparison(folder))
        except (OSError, ValueError):
            # That the new one cannot be read is said when it is opened.
            return ""

    def _watch(self) -> None:
        """Look whether the masks are those of the comparison, now and after each correction."""
        comparison = self.reading.comparison
        if comparison is None or self._exam is None:
            self.freshness.watch(None, {})
            return
        prior = next((each.exam for each in self._loaded() if each.key == self._exam.prior), "")
        before = findExamOfNode(slicer.mrmlScene.GetNodeByID(prior)) if prior else None
        self.freshness.watch(
            comparison, {BEFORE: before, AFTER: self._exam}, priorFolder=find_result_folder(self._exam.prior)
        )

    def _takeCase(self, key: str, summary) -> None:
        if self._exam is not None and key == self._exam.prior:
            self.freshness.takeCase(summary, self._exam.priorRater)

    def _open(self, folder: str, pair: str = "") -> None:
        self.scene.close()
        self._setShown(False)
        self.reading.close()
        if not folder:
            return
        try:
            if is_comparison(Path(folder)):
                self.reading.open(read_comparison(Path(folder), pair))
            else:
                text = _("The folder of this visit’s comparison is gone.")
                self.presenter.fail(text, _("Compare again, or choose the folder where it is kept."))
        except (OSError, ValueError) as problem:
            text = _("The comparison cannot be read: {reason}").format(reason=find_reason(problem))
            self.presenter.fail(make_sentence(text), _("Compare again."))

    def _showReading(self, view) -> None:
        self.panel.showReading(view)
        self.scene.color(
            {row.id: view.change_of(row) if view.decision_of(row) != REJECTED else "stable" for row in view.rows}
        )

    def _jump(self, row) -> None:
        if self.reading.comparison is not None:
            self.scene.show(self.reading.comparison, row)
            self._setShown(True)

    def _cannotShow(self, problem: Exception) -> None:
        self._setShown(False)
        text = _("The images of the comparison cannot be shown: {reason}").format(reason=find_reason(problem))
        self.presenter.fail(make_sentence(text), _("Compare again."))
