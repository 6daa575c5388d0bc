"""The review of one exam in the scene: nodes follow the presenter, the presenter follows what is painted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from MSSoftSegGUI.review.dissemination_fields import DisseminationFields
from MSSoftSegGUI.review.mask import ReviewMask
from MSSoftSegGUI.review.material import ReviewMaterial, prepare
from MSSoftSegGUI.review.panel import ENTROPY, PROBABILITY, ReviewPanel
from MSSoftSegGUI.review.presenter import ReviewPresenter
from MSSoftSegGUI.review.report import Reviewed
from MSSoftSegGUI.review.result_nodes import addResult
from MSSoftSegGUI.scene.contrast_windows import setWindow, setWindowIfUntouched
from MSSoftSegGUI.scene.exam_drawing import readNativeMatrix
from MSSoftSegGUI.scene.layouts import CONTRAST_VIEWS, CONTRASTS, MAP_VIEWS, chooseFirstLayout, chooseLayout
from MSSoftSegGUI.scene.nodes import hideNodes, removeNodes
from MSSoftSegGUI.scene.parameter_nodes import isThere
from MSSoftSegGUI.scene.review_facts import ReviewFacts
from MSSoftSegGUI.scene.segmentation_node import addMissingSegments, readMasks, showSurface, writeLabels
from MSSoftSegGUI.scene.segments import make_label_map
from MSSoftSegGUI.scene.slice_views import Blinker, Views, jumpTo
from MSSoftSegGUI.scene.state import SLOTS
from MSSoftSegGUI.scene.view_clicks import ViewClicks
from MSSoftSegGUI.scene.volume_nodes import readIjkToRas
from MSSoftSegGUI.worker.qt_process import callLater
from MSSoftSegLib.lesion.live.manual_edits import ManualEdits
from MSSoftSegLib.lesion.live.threshold import LiveThreshold
from MSSoftSegLib.stepwise import Work, finish

# A stroke of the brush changes the segmentation many times; it is taken over once it rests.
REST_MS = 150
VIEWS_SETTLE_S = 0.05


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
            onDisplay=self._displayAnew,
            onHide=self.toggleHidden,
            onWindows=lambda: self._setWindows(setWindow),
            onReport=self.writeReport,
        )
        self._fields = DisseminationFields(self.panel.ui, onEntered=self.onEntered)
        self._edit, self._settings, self._report = edit, settings, report
        report.tell = self.panel.note
        self._exam = None
        self._writing = self._painted = self._isSurfaceOld = self._isHidden = False
        self._blinker, self._views = Blinker(), Views()
        self._clicks, self._isEntered = ViewClicks(self.onClick, self.onWheel), False
        self._rest = qt.QTimer()
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.connect("timeout()", self.takeEdits)

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
            self._views.fit(exam.flair)

    def close(self) -> None:
        """Let go of the exam; its nodes stay, out of sight: another patient's image may lie in the same place."""
        self.takeEdits()
        if self._exam is not None:
            hideNodes([self._exam.segmentation, self._exam.brainMask])
        self._rest.stop()
        self.removeObservers()
        self._blinker.stop()
        self._exam, self._isHidden = None, False
        self._clicks.stop()
        self._edit.close()
        self._report.forget()
        self.presenter.close()
        self.panel.close()
        self._fields.show((), None)

    def forget(self) -> None:
        """The scene is closing: nothing in it is to be touched any more."""
        self._painted = False
        self.close()

    def takeEdits(self) -> None:
        """Tell the presenter what was painted since it was last asked."""
        if not self._painted or self._exam is None or self._exam.segmentation is None:
            return
        self._painted = False
        masks = readMasks(self._exam.segmentation, self._exam.probability)
        self._writing = True
        try:
            # A segment that was removed in an editor was cleared: what the panel paints into is always there.
            addMissingSegments(self._exam.segmentation, self._exam.probability)
        finally:
            self._writing = False
        self.presenter.take_edits(*masks)
        self._edit.forgetStates()

    def onSegmentationModified(self, _caller=None, _event=None) -> None:
        if not self._writing:
            self._painted = True
            # Who paints has found the lesion.
            self._blinker.stop()
            self._rest.start()

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
        exam, view = self._exam, self.presenter.view
        reviewed = Reviewed(
            folder=Path(exam.resultFolder),
            flair=exam.flair,
            labels=self.presenter.labels.copy(),
            # Where the files of the result lie, whatever transform was put over its nodes since.
            ras_from_ijk=readNativeMatrix(exam.probability),
            threshold=view.threshold,
            min_lesion_mm3=view.min_lesion_mm3,
            decided=view.lesions - view.undecided,
            lesions=view.lesions,
        )
        self._report.write(reviewed)

    def toggleHidden(self) -> None:
        """The bare image, for a look at what lies under overlay and outline; and back."""
        self._isHidden = not self._isHidden
        self._display()

    def _displayAnew(self) -> None:
        """Who chooses what is to be seen wants to see it."""
        self._isHidden = False
        self._display()

    def _start(self, exam) -> None:
        self._exam = exam
        segmentation = exam.segmentation.GetSegmentation()
        for event in (
            segmentation.SourceRepresentationModified,
            segmentation.SegmentModified,
            segmentation.SegmentAdded,
            segmentation.SegmentRemoved,
        ):
            self.addObserver(segmentation, event, self.onSegmentationModified)
        self.addObserver(slicer.mrmlScene, slicer.vtkMRMLScene.NodeRemovedEvent, self.onNodeRemoved)
        hideNodes([exam.brainMask])
        self._edit.open(exam.segmentation, exam.flair)
        facts = ReviewFacts.from_json(exam.lesionFacts)
        self.panel.open(facts.warnings)
        self._fields.show(self.presenter.view.rows, exam)
        self.panel.setContrasts(tuple(self._contrasts()), self._settings().layout or chooseFirstLayout())
        self._setWindows(setWindowIfUntouched)
        self._display()

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

    def _writeLabels(self, *, final: bool) -> None:
        node, changed = self._exam.segmentation, self.presenter.changed
        surface = self.panel.ui.surfaceButton.checked
        self._writing = True
        try:
            if len(changed):
                if surface and not final:
                    node.RemoveClosedSurfaceRepresentation()
                self._isSurfaceOld = True
                writeLabels(node, self.presenter.labels, self._exam.probability, changed)
                self._edit.forgetStates()
            if surface and final and self._isSurfaceOld:
                showSurface(node, True)
                self._isSurfaceOld = False
        finally:
            self._writing = False

    def _jump(self, ras) -> None:
        jumpTo(self._placeNow(ras))
        found = self.presenter.lesion_box(self.presenter.view.selected)
        if found is not None:
            self._blinker.blink(*found, self._exam.probability)
        else:
            self._blinker.stop()

    def _display(self) -> None:
        """Overlay, opacity, outline and layout as the panel says."""
        if self._exam is None:
            return
        ui, exam, settings = self.panel.ui, self._exam, self._settings()
        settings.overlay, settings.overlayOpacity = self.panel.overlay, ui.opacitySlider.value
        settings.outlineVisible, settings.layout = ui.outlineCheckBox.checked, self.panel.layout
        overlays = {PROBABILITY: exam.probability, ENTROPY: exam.entropy}
        opacity = 0.0 if self._isHidden else ui.opacitySlider.value
        contrasts = self._contrasts()
        wanted = chooseLayout(self.panel.layout, tuple(contrasts), surface=ui.surfaceButton.checked)
        isNewLayout = self._views.choose(wanted)
        overlay = overlays.get(self.panel.overlay)
        self._views.setLayers(exam.flair, overlay, opacity)
        self._views.setLinkedLayers(self._linkedLayers(contrasts, overlay), opacity)
        exam.segmentation.CreateDefaultDisplayNodes()
        exam.segmentation.SetDisplayVisibility(True)
        exam.segmentation.GetDisplayNode().SetVisibility2D(ui.outlineCheckBox.checked and not self._isHidden)
        self._writing = True
        try:
            showSurface(exam.segmentation, ui.surfaceButton.checked)
        finally:
            self._writing = False
        self._listen()
        if isNewLayout:
            # The new views get their size first, and are drawn once.
            callLater(VIEWS_SETTLE_S, lambda: callLater(VIEWS_SETTLE_S, self._lookAgain))

    def _listen(self) -> None:
        """To every view that there is now, while there is something to click at."""
        if self._isEntered and self._exam is not None:
            self._clicks.start()
        else:
            self._clicks.stop()

    def _contrasts(self) -> dict:
        """The images of the exam that are in the scene, by slot."""
        exam = self._exam
        return {slot: getattr(exam, slot) for slot in SLOTS if isThere(getattr(exam, slot))}

    def _linkedLayers(self, contrasts: dict, overlay) -> dict:
        """The image behind and the overlay in front of each linked view. T1 and T2 are bare: one looks what they say."""
        exam = self._exam
        maps = zip(MAP_VIEWS, (None, exam.probability, exam.entropy), strict=True)
        layers = {tag: (exam.flair, each) for tag, each in maps}
        if self.panel.layout == CONTRASTS:
            layers |= {CONTRAST_VIEWS[slot]: (node, None) for slot, node in contrasts.items()}
            layers[CONTRAST_VIEWS["flair"]] = (exam.flair, overlay)
        return layers

    def _setWindows(self, setOne) -> None:
        if self._exam is not None:
            for slot, node in self._contrasts().items():
                setOne(slot, node)

    def _lookAgain(self) -> None:
        """All of the head in the new views, and the lesion that is selected."""
        if self._exam is None:
            return
        self._views.fit(self._exam.flair)
        selected = self.presenter.view.row_of(self.presenter.view.selected)
        if selected is not None:
            jumpTo(self._placeNow(selected.place_ras_mm))

    def _placeNow(self, ras) -> tuple[float, float, float]:
        """Where a place of the result lies now: its nodes may have been put under a transform since it was opened."""
        moved = readIjkToRas(self._exam.probability) @ np.linalg.inv(self.presenter.ras_from_ijk)
        return tuple((moved @ [*ras, 1.0])[:3])

    def refreshDisplay(self) -> None:
        """Lay the overlay that the panel says over FLAIR again, after something else lay there."""
        self._display()

    def restoreSettings(self) -> None:
        """Set overlay, opacity, outline and layout as the scene says."""
        settings, ui = self._settings(), self.panel.ui
        with self.panel.updating():
            ui.overlayCombo.currentIndex = max(0, ui.overlayCombo.findData(settings.overlay))
            ui.opacitySlider.value = settings.overlayOpacity
            ui.outlineCheckBox.checked = settings.outlineVisible
            ui.surfaceButton.checked = False
        if settings.currentExam is None:
            # Else the review that is opened says it.
            self._views.choose(None)
