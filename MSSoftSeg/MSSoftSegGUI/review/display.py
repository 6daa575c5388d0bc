"""How a result under review looks: overlay, outline, layout and windows, and which place the views show."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import slicer

from MSSoftSegGUI.review.panel import ENTROPY, PROBABILITY, ReviewPanel
from MSSoftSegGUI.review.presenter import ReviewPresenter
from MSSoftSegGUI.scene.layouts import CONTRAST_VIEWS, CONTRASTS, MAP_VIEWS, chooseLayout
from MSSoftSegGUI.scene.parameter_nodes import isThere
from MSSoftSegGUI.scene.segmentation_node import showSurface
from MSSoftSegGUI.scene.slice_views import Views, jumpTo
from MSSoftSegGUI.scene.state import SLOTS
from MSSoftSegGUI.scene.volume_nodes import readIjkToRas
from MSSoftSegGUI.worker.qt_process import callLater

VIEWS_SETTLE_S = 0.05


class ReviewDisplay:
    """Of the exam under review. settings: gives the panel's parameters of the scene.

    writing(): a context in which changes of the segmentation are not the user's. onShown(): there may be other views now.
    """

    def __init__(
        self,
        panel: ReviewPanel,
        presenter: ReviewPresenter,
        settings: Callable[[], object],
        *,
        writing: Callable[[], AbstractContextManager[None]],
        onShown: Callable[[], None],
    ) -> None:
        self._panel, self._presenter, self._settings = panel, presenter, settings
        self._writing, self._onShown = writing, onShown
        self._exam, self._isHidden = None, False
        self._views = Views()

    def start(self, exam) -> None:
        """This exam is looked at from now on."""
        self._exam = exam

    def stop(self) -> None:
        """None is looked at any more."""
        self._exam, self._isHidden = None, False

    def fit(self) -> None:
        """The whole of the images."""
        self._views.fit(self._exam.flair)

    def toggleHidden(self) -> None:
        """The bare image, for a look at what lies under overlay and outline; and back."""
        self._isHidden = not self._isHidden
        self.show()

    def showAnew(self) -> None:
        """Who chooses what is to be seen wants to see it."""
        self._isHidden = False
        self.show()

    def show(self) -> None:
        """Overlay, opacity, outline and layout as the panel says."""
        if self._exam is None:
            return
        ui, exam, settings = self._panel.ui, self._exam, self._settings()
        settings.overlay, settings.overlayOpacity = self._panel.overlay, ui.opacitySlider.value
        settings.outlineVisible, settings.layout = ui.outlineCheckBox.checked, self._panel.layout
        overlays = {PROBABILITY: exam.probability, ENTROPY: exam.entropy}
        opacity = 0.0 if self._isHidden else ui.opacitySlider.value
        contrasts = self.contrasts()
        wanted = chooseLayout(self._panel.layout, tuple(contrasts), surface=ui.surfaceButton.checked)
        isNewLayout = self._views.choose(wanted)
        overlay = overlays.get(self._panel.overlay)
        self._views.setLayers(exam.flair, overlay, opacity)
        self._views.setLinkedLayers(self._linkedLayers(contrasts, overlay), opacity)
        exam.segmentation.CreateDefaultDisplayNodes()
        exam.segmentation.SetDisplayVisibility(True)
        exam.segmentation.GetDisplayNode().SetVisibility2D(ui.outlineCheckBox.checked and not self._isHidden)
        with self._writing():
            showSurface(exam.segmentation, ui.surfaceButton.checked)
        self._onShown()
        if isNewLayout:
            # The new views get their size first, and are drawn once.
            callLater(VIEWS_SETTLE_S, lambda: callLater(VIEWS_SETTLE_S, self._lookAgain))

    def contrasts(self) -> dict[str, slicer.vtkMRMLScalarVolumeNode]:
        """The images of the exam that are in the scene, by slot."""
        exam = self._exam
        return {slot: getattr(exam, slot) for slot in SLOTS if isThere(getattr(exam, slot))}

    def setWindows(self, setOne: Callable[[str, slicer.vtkMRMLScalarVolumeNode], None]) -> None:
        """Window and level of each contrast, as setOne(slot, node) does it."""
        if self._exam is not None:
            for slot, node in self.contrasts().items():
                setOne(slot, node)

    def jump(self, ras) -> None:
        """The views go to a place of the result, RAS mm."""
        jumpTo(self._placeNow(ras))

    def restoreSettings(self) -> None:
        """Set overlay, opacity, outline and layout as the scene says."""
        settings, ui = self._settings(), self._panel.ui
        with self._panel.updating():
            ui.overlayCombo.currentIndex = max(0, ui.overlayCombo.findData(settings.overlay))
            ui.opacitySlider.value = settings.overlayOpacity
            ui.outlineCheckBox.checked = settings.outlineVisible
            ui.surfaceButton.checked = False
        if settings.currentExam is None:
            # Else the review that is opened says it.
            self._views.choose(None)

    def _linkedLayers(self, contrasts: dict, overlay) -> dict:
        """The image behind and the overlay in front of each linked view. T1 and T2 are bare: one looks what they say."""
        exam = self._exam
        maps = zip(MAP_VIEWS, (None, exam.probability, exam.entropy), strict=True)
        layers = {tag: (exam.flair, each) for tag, each in maps}
        if self._panel.layout == CONTRASTS:
            layers |= {CONTRAST_VIEWS[slot]: (node, None) for slot, node in contrasts.items()}
            layers[CONTRAST_VIEWS["flair"]] = (exam.flair, overlay)
        return layers

    def _lookAgain(self) -> None:
        """All of the head in the new views, and the lesion that is selected."""
        if self._exam is None:
            return
        self.fit()
        selected = self._presenter.view.row_of(self._presenter.view.selected)
        if selected is not None:
            self.jump(selected.place_ras_mm)

    def _placeNow(self, ras) -> tuple[float, float, float]:
        """Where a place of the result lies now: its nodes may have been put under a transform since it was opened."""
        moved = readIjkToRas(self._exam.probability) @ np.linalg.inv(self._presenter.ras_from_ijk)
        return tuple((moved @ [*ras, 1.0])[:3])
