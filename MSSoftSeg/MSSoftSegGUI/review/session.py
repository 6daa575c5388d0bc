"""The review of one exam in the scene: nodes follow the presenter, the presenter follows what is painted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from MSSoftSegGUI.review.display import ReviewDisplay
from MSSoftSegGUI.review.dissemination_fields import DisseminationFields, readEntered
from MSSoftSegGUI.review.mask import ReviewMask
from MSSoftSegGUI.review.material import ReviewMaterial, prepare
from MSSoftSegGUI.review.paint_watch import PaintWatch
from MSSoftSegGUI.review.panel import ReviewPanel
from MSSoftSegGUI.review.presenter import ReviewPresenter
from MSSoftSegGUI.review.report import Reviewed
from MSSoftSegGUI.review.result_nodes import addResult
from MSSoftSegGUI.scene.contrast_windows import setWindow, setWindowIfUntouched
from MSSoftSegGUI.scene.exam_drawing import readNativeMatrix
from MSSoftSegGUI.scene.layouts import chooseFirstLayout
from MSSoftSegGUI.scene.nodes import hideNodes, removeNodes
from MSSoftSegGUI.scene.parameter_nodes import isThere
from MSSoftSegGUI.scene.review_facts import ReviewFacts
from MSSoftSegGUI.scene.segmentation_node import addMissingSegments, readMasks, showSurface, writeLabels
from MSSoftSegGUI.scene.segments import make_label_map
from MSSoftSegGUI.scene.slice_views import Blinker
from MSSoftSegGUI.scene.view_clicks import ViewClicks
from MSSoftSegGUI.scene.volume_nodes import readIjkToRas
from MSSoftSegLib.lesion.live.manual_edits import ManualEdits
from MSSoftSegLib.lesion.live.threshold import LiveThreshold
from MSSoftSegLib.stepwise import Work, finish


class ReviewSession(VTKObservationMixin):
    """At most one exam under review. edit: the panel that edits its segmentation; report: writes its report."""

    def __init__(self, uiPath: str, edit, settings, report) -> None:
        """settings: gives the panel's parameters of the scene."""
        super().__init__()
        self.presenter = ReviewPresenter(show=self._show, jump=self._jump)
        self.panel = ReviewPanel(
            uiPath,
            self.presenter,
            before=self.takeEdits,
            onDisplay=lambda: self.display.showAnew(),
            onHide=lambda: self.display.toggleHidden(),
            onWindows=lambda: self.display.setWindows(setWindow),
            onReport=self.writeReport,
        )
        self._fields = DisseminationFields(self.panel.ui, onEntered=self.onEntered)
        self._edit, self._settings, self._report = edit, settings, report
        report.tell, report.onPlaces = self.panel.note, self.presenter.take_places
        # Of which drawn and changed lesions the worker was asked where they lie.
        self._placing: frozenset[str] = frozenset()
        self._exam, self._isSurfaceOld, self._isEntered = None, False, False
        self._blinker = Blinker()
        self._clicks = ViewClicks(self.onClick, self.onWheel)
        # Who paints has found the lesion.
        self._paint = PaintWatch(onPainted=self._blinker.stop, onRest=self.takeEdits)
        self.display = ReviewDisplay(
            self.panel, self.presenter, settings, writing=self._paint.writing, onShown=self._listen
        )

    @property
    def exam(self):
        """The parameters of the exam under review, None for none."""
        return self._exam

    def adding(self, exam, material: ReviewMaterial, folder: int) -> Work[LiveThreshold]:
        """A fresh result takes the place of an earlier one; a segmentation that was worked on stays, renamed."""
        live = yield from prepare(material)
        yield
        mask = ReviewMask(live.shape)
        instances = live.at(material.facts.model_threshold)
        mask.update(instances, ("undecided",) * instances.count, ManualEdits())
        if self._exam is not None and self._exam.parameterNode is exam.parameterNode:
            self.close()
        nodes = yield from addResult(folder, exam.caseName, material, mask.labels)
        old = [exam.probability, exam.entropy, exam.segmentation]
        # Without facts of a model it was drawn by hand, or came from a library.
        if (exam.decisions or exam.edits or not exam.lesionFacts) and isThere(old[2]):
            kept = old.pop()
            kept.SetName(slicer.mrmlScene.GenerateUniqueName(_("{name} before").format(name=kept.GetName())))
            kept.SetDisplayVisibility(False)
        exam.probability, exam.entropy, exam.segmentation = nodes.probability, nodes.entropy, nodes.segmentation
        removeNodes(old)
        exam.lesionFacts = material.facts.to_json()
        exam.threshold, exam.decisions, exam.edits = material.facts.model_threshold, "", ""
        exam.minLesionMm3 = material.facts.min_lesion_mm3
        return live

    def begin(self, exam, material: ReviewMaterial, folder: int) -> None:
        """A fresh result, into the scene and under review in one go."""
        live = finish(self.adding(exam, material, folder))
        finish(self.resuming(exam, live=live))

    def resuming(self, exam, *, live: LiveThreshold | None = None, fit: bool = True) -> Work[None]:
        """Go on with a review that the scene holds; nothing happens where a part of the result is missing.

        live: what was prepared for this result already. fit: show the whole of the images.
        """
        self.close()
        if not exam.lesionFacts or not isThere(exam.probability, exam.entropy, exam.segmentation):
            return
        self.panel.say(_("Opening the result…"))
        material = ReviewMaterial(
            slicer.util.arrayFromVolume(exam.probability),
            slicer.util.arrayFromVolume(exam.entropy),
            readIjkToRas(exam.probability),
            ReviewFacts.from_json(exam.lesionFacts),
        )
        smallest = exam.minLesionMm3 if exam.minLesionMm3 >= 0 else None
        state = {
            "threshold": exam.threshold or None,
            "min_lesion_mm3": smallest,
            "decisions_json": exam.decisions,
            "edits_json": exam.edits,
        }
        yield from self.presenter.opening(material, live=live, **state)
        yield
        if not isThere(exam.probability, exam.entropy, exam.segmentation):
            self.close()
            return
        # What another module's editor changed meanwhile counts as painted.
        masks = readMasks(exam.segmentation, exam.probability)
        yield
        self._start(exam)
        if not np.array_equal(make_label_map(*masks), self.presenter.labels):
            self.presenter.take_edits(*masks)
        if fit:
            self.display.fit()

    def close(self) -> None:
        """Let go of the exam; its nodes stay, out of sight: another patient's image may lie in the same place."""
        self.takeEdits()
        if self._exam is not None:
            hideNodes([self._exam.segmentation, self._exam.brainMask])
        self._paint.stop()
        self.removeObservers()
        self._blinker.stop()
        self._exam = None
        self.display.stop()
        self._clicks.stop()
        self._edit.close()
        self._report.forget()
        self._placing = frozenset()
        self.presenter.close()
        self.panel.close()
        self._fields.show((), None)

    def forget(self) -> None:
        """The scene is closing: nothing in it is to be touched any more."""
        self._paint.forget()
        self.close()

    def takeEdits(self) -> None:
        """Tell the presenter what was painted since it was last asked."""
        if self._exam is None or self._exam.segmentation is None or not self._paint.take():
            return
        masks = readMasks(self._exam.segmentation, self._exam.probability)
        with self._paint.writing():
            # A segment that was removed in an editor was cleared: what the panel paints into is always there.
            addMissingSegments(self._exam.segmentation, self._exam.probability)
        self.presenter.take_edits(*masks)
        self._edit.forgetStates()

    def onNodeRemoved(self, _caller=None, _event=None) -> None:
        """The user deleted a part of the result."""
        if self._exam is None:
            return
        if not isThere(self._exam.probability, self._exam.entropy, self._exam.segmentation):
            self.forget()
            self.panel.say(_("A part of this result was deleted. Click Segment to make it again."))

    def enter(self) -> None:
        """The module is opened: keys and clicks are the review's."""
        self._isEntered = True
        self.panel.setActive(True)
        self._listen()

    def leave(self) -> None:
        """Another module is opened."""
        self._isEntered = False
        self.panel.setActive(False)
        self._clicks.stop()

    def onClick(self, ras, shift: bool) -> None:
        """A click in a view, while no effect of the editor has the mouse: select, let grow, or with Shift remove."""
        if self._exam is None or self._edit.hasEffect:
            return
        self.takeEdits()
        i, j, k = np.linalg.solve(readIjkToRas(self._exam.probability), [*ras, 1.0])[:3].round().astype(int)
        place, shape = (int(k), int(j), int(i)), self.presenter.labels.shape
        if not all(0 <= index < size for index, size in zip(place, shape, strict=True)):
            return
        self.panel.note("")
        if shift:
            self.presenter.remove_at(place)
            return
        found = self.presenter.point_at(place, radius_mm=self.panel.ui.growSpinBox.value)
        if found == "nothing":
            self.panel.note(_("The model sees nothing at this place: paint it with the brush of step 4."))
        elif found == "grown":
            self._blinker.stop()

    def onEntered(self, field: str, word: str) -> None:
        setattr(self._exam, field, word)
        self._fields.show(self.presenter.view.rows, self._exam)

    def onWheel(self, steps: int) -> None:
        """The wheel with Shift held, while no effect of the editor has it for its brush: the last lesion grows or shrinks."""
        if self._exam is not None and not self._edit.hasEffect:
            self.panel.widen(steps)

    def writeReport(self) -> None:
        """The report of the result as it is now."""
        if self._exam is None:
            return
        self.takeEdits()
        self._report.write(self._reviewed())

    def _findPlaces(self, view) -> None:
        """Ask where drawn and changed lesions lie that have no place yet; once for the same ones."""
        wanted = view.unplaced
        # What lies outside the brain stays without an answer, whatever else is painted.
        if not wanted <= self._placing and self._exam.resultFolder:
            self._placing = wanted if self._report.findPlaces(self._reviewed()) else frozenset()

    def _reviewed(self) -> Reviewed:
        """The result as it is now."""
        exam, view = self._exam, self.presenter.view
        return Reviewed(
            folder=Path(exam.resultFolder),
            flair=exam.flair,
            labels=self.presenter.labels.copy(),
            # Where the files of the result lie, whatever transform was put over its nodes since.
            ras_from_ijk=readNativeMatrix(exam.probability),
            threshold=view.threshold,
            min_lesion_mm3=view.min_lesion_mm3,
            decided=view.lesions - view.undecided,
            lesions=view.lesions,
            entered={place: said.value for place, said in readEntered(exam).items()},
        )

    def _start(self, exam) -> None:
        self._exam = exam
        self.display.start(exam)
        self._paint.start(exam.segmentation)
        self.addObserver(slicer.mrmlScene, slicer.vtkMRMLScene.NodeRemovedEvent, self.onNodeRemoved)
        hideNodes([exam.brainMask])
        self._edit.open(exam.segmentation, exam.flair)
        facts = ReviewFacts.from_json(exam.lesionFacts)
        self.panel.open(facts.warnings)
        self._fields.show(self.presenter.view.rows, exam)
        self.panel.setContrasts(tuple(self.display.contrasts()), self._settings().layout or chooseFirstLayout())
        self.display.setWindows(setWindowIfUntouched)
        self.display.show()
        self._findPlaces(self.presenter.view)

    def _show(self, view) -> None:
        """The presenter's new picture: nodes, then widgets, then what is saved."""
        if self._exam is None:
            return
        self._writeLabels(final=view.rows_final)
        if not view.selected:
            self._blinker.stop()
        self.panel.show(view)
        if view.rows_final:
            self._fields.show(view.rows, self._exam)
            self._exam.threshold, self._exam.minLesionMm3 = view.threshold, view.min_lesion_mm3
            self._exam.decisions, self._exam.edits = self.presenter.decisions_json, self.presenter.edits_json
            self._findPlaces(view)

    def _writeLabels(self, *, final: bool) -> None:
        node, changed = self._exam.segmentation, self.presenter.changed
        surface = self.panel.ui.surfaceButton.checked
        with self._paint.writing():
            if len(changed):
                if surface and not final:
                    node.RemoveClosedSurfaceRepresentation()
                self._isSurfaceOld = True
                writeLabels(node, self.presenter.labels, self._exam.probability, changed)
                self._edit.forgetStates()
            if surface and final and self._isSurfaceOld:
                showSurface(node, True)
                self._isSurfaceOld = False

    def _jump(self, ras) -> None:
        self.display.jump(ras)
        found = self.presenter.lesion_box(self.presenter.view.selected)
        if found is not None:
            self._blinker.blink(*found, self._exam.probability)
        else:
            self._blinker.stop()

    def _listen(self) -> None:
        """To every view that there is now, while there is something to click at."""
        if self._isEntered and self._exam is not None:
            self._clicks.start()
        else:
            self._clicks.stop()
