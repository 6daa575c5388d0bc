"""Step 2: one large button, and what happens while it says Cancel."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.widgets.panel import Panel, fillCombo, showMessage

BRAIN_MASK = "mask"


class SegmentPanel(Panel):
    """Choices of the run, the button, progress, log. toggle and preprocess start what the choices say."""

    def __init__(
        self, uiPath: str, *, toggle: Callable[[], None], preprocess: Callable[[], None], findDevices, onChoice
    ) -> None:
        super().__init__(uiPath)
        self._onChoice = onChoice
        self._icons = {"start": self.icon("Segment"), "cancel": self.icon("Cancel")}
        self.setIcons({"segmentButton": "Segment", "preprocessButton": "Preprocess"})
        self._logLines = 0
        self._models: dict = {}
        self._details = ""
        fillCombo(self.ui.brainCombo, _brainEntries(), "auto")
        self.setDevices((), "auto")
        self.ui.segmentButton.connect("clicked(bool)", lambda _checked=False: toggle())
        self.ui.preprocessButton.connect("clicked(bool)", lambda _checked=False: preprocess())
        self.ui.devicesButton.connect("clicked(bool)", lambda _checked=False: findDevices())
        self.ui.modelCardButton.connect("clicked(bool)", self.onModelCardClicked)
        self.ui.logButton.connect("toggled(bool)", self.onLogToggled)
        self.ui.copyDetailsButton.connect("clicked(bool)", self.onCopyDetailsClicked)
        self.ui.brainCombo.connect("currentIndexChanged(int)", self.onChoiceChanged)
        self.ui.modelCombo.connect("currentIndexChanged(int)", self.onChoiceChanged)
        self.ui.deviceCombo.connect("currentIndexChanged(int)", self.onChoiceChanged)
        self.ui.brainMaskSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.onChoiceChanged)
        self.ui.ttaCheckBox.connect("toggled(bool)", self.onChoiceChanged)
        self._showBrainMask()

    def setModels(self, models, current: str) -> None:
        """The installed models; a damaged one is shown as such and cannot be missed."""
        self._models = {model.name: model for model in models}
        with self.updating():
            fillCombo(self.ui.modelCombo, [(model.name, model.title) for model in models], current)

    def setDevices(self, devices, current: str) -> None:
        """Automatic, the processor, and every device that the last check found, as (id, text)."""
        found = dict(devices)
        known = {"auto": _("Automatic"), "cpu": _("CPU")} | {name: f"{name}: {text}" for name, text in found.items()}
        if "cpu" in found:
            known["cpu"] = _("CPU: {facts}").format(facts=found["cpu"])
        with self.updating():
            fillCombo(self.ui.deviceCombo, list(known.items()), current)

    def setFindingDevices(self, isBusy: bool) -> None:
        """Whether devices are being looked for."""
        self.ui.devicesButton.enabled = not isBusy

    def choices(self) -> dict[str, str]:
        """What is chosen, under the names of the job."""
        brain = self.ui.brainCombo.currentData
        return {
            "model": self.ui.modelCombo.currentData or "",
            "device": self.ui.deviceCombo.currentData or "auto",
            "brain": "auto" if brain == BRAIN_MASK else brain,
            "brain_mask": (self.ui.brainMaskSelector.currentNodeID or "") if brain == BRAIN_MASK else "",
            "tta": "flips8" if self.ui.ttaCheckBox.checked else "none",
        }

    def choose(self, choices: dict[str, str]) -> None:
        """Set the widgets, as a saved scene says."""
        with self.updating():
            for name in ("model", "device"):
                combo = getattr(self.ui, f"{name}Combo")
                combo.currentIndex = max(0, combo.findData(choices.get(name, "")))
            brain = BRAIN_MASK if choices.get("brain_mask") else choices.get("brain", "auto")
            self.ui.brainCombo.currentIndex = max(0, self.ui.brainCombo.findData(brain))
            self.ui.brainMaskSelector.setCurrentNodeID(choices.get("brain_mask", ""))
            self.ui.ttaCheckBox.checked = choices.get("tta", "") != "none"
        self._showBrainMask()

    def chooseBrainMask(self, node) -> None:
        """Let the next run use this mask; None: none, it belongs to another exam."""
        if node is not None:
            self.ui.brainMaskSelector.setCurrentNodeID(node.GetID())
            self.ui.brainCombo.currentIndex = self.ui.brainCombo.findData(BRAIN_MASK)
        elif self.ui.brainCombo.currentData == BRAIN_MASK:
            self.ui.brainMaskSelector.setCurrentNodeID("")
            self.ui.brainCombo.currentIndex = 0

    def show(self, view) -> None:
        """Make the widgets say what the run's view says."""
        ui = self.ui
        ui.segmentButton.text = view.button_text
        ui.segmentButton.enabled = view.button_enabled
        ui.segmentButton.icon = self._icons["cancel" if view.is_running else "start"]
        for widget in (
            ui.preprocessButton,
            ui.modelCombo,
            ui.deviceCombo,
            ui.brainCombo,
            ui.brainMaskSelector,
            ui.ttaCheckBox,
        ):
            widget.enabled = not view.is_running
        ui.progressBar.visible = ui.progressLabel.visible = view.is_running
        ui.progressBar.value = round(10 * view.percent)
        ui.progressBar.format = f"{view.percent:.0f} %"
        ui.progressLabel.text = " · ".join(filter(None, (view.case_name, view.stage_text, view.remaining_text)))
        self._showOutcome(view)
        self._showLog(view.log)

    def onModelCardClicked(self) -> None:
        model = self._models.get(self.ui.modelCombo.currentData)
        if model is None:
            return
        dialog = qt.QDialog(slicer.util.mainWindow())
        dialog.objectName = "ModelCardDialog"
        dialog.windowTitle = _("{name} {version}, license {license}").format(
            name=model.name, version=model.version, license=model.license
        )
        layout = qt.QVBoxLayout(dialog)
        text = qt.QTextBrowser()
        text.setMarkdown(model.card or model.problem)
        layout.addWidget(text)
        dialog.resize(560, 640)
        dialog.setAttribute(qt.Qt.WA_DeleteOnClose)
        dialog.show()

    def onCopyDetailsClicked(self) -> None:
        qt.QApplication.clipboard().setText(self._details)

    def onLogToggled(self, shown: bool) -> None:
        self.ui.logEdit.visible = shown
        self.ui.logButton.arrowType = qt.Qt.DownArrow if shown else qt.Qt.RightArrow

    def onChoiceChanged(self, _value=None) -> None:
        self._showBrainMask()
        if not self.isUpdating:
            self._onChoice()

    def _showBrainMask(self) -> None:
        shown = self.ui.brainCombo.currentData == BRAIN_MASK
        self.ui.brainMaskSelector.visible = self.ui.brainMaskLabel.visible = shown

    def _showOutcome(self, view) -> None:
        if view.error is not None:
            showMessage(self.ui.segmentMessage, f"{view.error.what}\n{view.error.remedy}", "error")
        else:
            showMessage(self.ui.segmentMessage, view.note, view.note_kind)
        self.ui.copyDetailsButton.visible = view.error is not None
        self._details = view.error.details if view.error is not None else ""

    def _showLog(self, lines: tuple[str, ...]) -> None:
        if len(lines) < self._logLines:
            self.ui.logEdit.clear()
            self._logLines = 0
        for line in lines[self._logLines :]:
            self.ui.logEdit.appendPlainText(line)
        self._logLines = len(lines)


def _brainEntries():
    return (
        ("auto", _("Automatic (HD-BET if installed, else atlas)")),
        ("hd-bet", _("HD-BET")),
        ("atlas", _("Atlas")),
        ("none", _("None: images are brain-extracted")),
        (BRAIN_MASK, _("Brain mask of this scene")),
    )
