"""Step 7: what to learn from, what would happen, the button, and the training that is looked at."""

from __future__ import annotations

import html
import os
from collections.abc import Callable

import qt
import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.train.choices import TrainChoices
from MSSoftSegGUI.widgets.panel import Panel, fillCombo, isDark, showMessage
from MSSoftSegGUI.widgets.theme_colors import find_style

PICTURE_PX = 330


class TrainPanel(Panel):
    """Choices, pre-flight, the list of trainings, and buttons; ``actions`` are what the buttons do, by their name.

    actions: train, stop, resume, finish, library (another one was chosen) and choose (with a job's folder); onChoice:
    something was chosen; onCurves: with whether they are wanted.
    """

    def __init__(self, uiPath: str, *, actions: dict[str, Callable], onChoice, onCurves) -> None:
        super().__init__(uiPath)
        self._onChoice, self._onCurves, self._actions = onChoice, onCurves, actions
        self._logLines, self._details, self._picture = 0, "", (None, 0.0)
        self._runs = ((), "")
        self.setDevices(())
        ui = self.ui
        ui.trainLibraryEdit.connect("currentPathChanged(QString)", self.onLibraryChanged)
        ui.correctedCheckBox.connect("toggled(bool)", self.onChoiceChanged)
        for name in ("recipeCombo", "initCombo", "trainDeviceCombo"):
            getattr(ui, name).connect("currentIndexChanged(int)", self.onChoiceChanged)
        for name in ("epochsSpin", "foldsSpin"):
            getattr(ui, name).connect("valueChanged(int)", self.onChoiceChanged)
        ui.nameEdit.connect("textChanged(QString)", self.onChoiceChanged)
        ui.recipeFileButton.connect("clicked(bool)", self.onRecipeFileClicked)
        for name in ("train", "stop", "resume", "finish"):
            getattr(ui, f"{name}Button").connect("clicked(bool)", lambda _checked=False, name=name: actions[name]())
        ui.runCombo.connect("currentIndexChanged(int)", self.onRunChosen)
        ui.curvesButton.connect("toggled(bool)", lambda shown: onCurves(shown))
        ui.trainCopyButton.connect("clicked(bool)", self.onCopyClicked)
        ui.trainLogButton.connect("toggled(bool)", self.onLogToggled)

    def choices(self) -> TrainChoices:
        """What is chosen."""
        ui = self.ui
        folds = ui.foldsSpin.value
        return TrainChoices(
            library=ui.trainLibraryEdit.currentPath.strip(),
            with_corrected=ui.correctedCheckBox.checked,
            recipe=ui.recipeCombo.currentData or "",
            init=ui.initCombo.currentData or "",
            epochs=ui.epochsSpin.value,
            folds=folds if folds > 1 else 0,
            device=ui.trainDeviceCombo.currentData or "auto",
            name=ui.nameEdit.text.strip(),
        )

    def setLibrary(self, path: str) -> None:
        """Choose a library, as the section where cases are kept says."""
        with self.updating():
            self.ui.trainLibraryEdit.currentPath = path

    def setName(self, name: str) -> None:
        """Suggest a name for the new model."""
        with self.updating():
            self.ui.nameEdit.text = name

    def setRecipes(self, recipes, current: str) -> None:
        """(name or file, title) of every recipe."""
        with self.updating():
            fillCombo(self.ui.recipeCombo, recipes, current)

    def setModels(self, models, current: str) -> None:
        """The installed models, and nothing at all."""
        entries = [(model.name, model.title) for model in models if model.is_usable]
        with self.updating():
            fillCombo(self.ui.initCombo, [*entries, ("", _("Nothing: from random weights"))], current)

    def setDevices(self, devices) -> None:
        """Automatic, the processor, and what the last check found, as (id, text)."""
        known = {"auto": _("Automatic"), "cpu": _("CPU")} | {name: f"{name}: {text}" for name, text in devices}
        with self.updating():
            fillCombo(self.ui.trainDeviceCombo, list(known.items()), self.ui.trainDeviceCombo.currentData or "auto")

    def foldPlan(self, folded: bool) -> None:
        """Once a training is looked at, what it was planned from only takes its room."""
        self.ui.planGroup.collapsed = folded

    def addRecipeFile(self, path: str) -> None:
        """Offer a recipe file and choose it."""
        combo = self.ui.recipeCombo
        if combo.findData(path) < 0:
            combo.addItem(os.path.basename(path), path)
        combo.currentIndex = combo.findData(path)

    def showPreflight(self, view) -> None:
        """What would happen and what is wrong."""
        showMessage(self.ui.preflightLabel, view.text)
        label = self.ui.findingsLabel
        isOnDark = isDark(label)
        styles = (find_style(each.severity, is_dark=isOnDark) for each in view.findings)
        lines = zip(styles, (f"{_marks()[each.severity]} {each.text}" for each in view.findings), strict=True)
        # Texts name cases and files: they are no markup.
        label.text = "<br>".join(f'<span style="{style}">{html.escape(text)}</span>' for style, text in lines)
        label.visible = bool(view.findings)
        self.ui.trainButton.enabled = view.can_train

    def show(self, view) -> None:
        """The training that is looked at."""
        ui = self.ui
        self._showRuns(view.runs, view.chosen)
        hasRuns = bool(view.runs) or view.phase != "none"
        for widget in (ui.runCombo, ui.runLabel, ui.curvesButton, ui.trainLogButton):
            widget.visible = hasRuns
        ui.stopButton.visible = view.is_active
        ui.resumeButton.visible = ui.finishButton.visible = view.can_resume
        # At the end the verdict speaks.
        headline = "" if view.phase == "finished" else view.headline
        showMessage(ui.runHeadline, headline, "warning" if view.phase in ("lost", "gone") else "note")
        ui.trainBar.visible = ui.trainProgressLabel.visible = view.is_active
        ui.trainBar.value = round(10 * view.percent)
        ui.trainBar.format = f"{view.percent:.0f} %"
        ui.trainProgressLabel.text = " · ".join(filter(None, (view.stage_text, view.remaining_text)))
        ui.stopButton.enabled = view.can_stop
        ui.resumeButton.enabled = view.can_resume
        ui.finishButton.enabled = view.can_finish
        self._showPicture(view)
        error = view.error
        showMessage(ui.trainMessage, f"{error.what}\n{error.remedy}" if error is not None else "", "error")
        ui.trainCopyButton.visible = error is not None
        self._details = error.details if error is not None else ""
        self._showLog(view.log)

    def onLibraryChanged(self, _path=None) -> None:
        if not self.isUpdating:
            self._actions["library"]()
            self._onChoice()

    def onChoiceChanged(self, _value=None) -> None:
        if not self.isUpdating:
            self._onChoice()

    def onRunChosen(self, _index=None) -> None:
        if not self.isUpdating and self.ui.runCombo.currentData:
            self._actions["choose"](self.ui.runCombo.currentData)

    def onRecipeFileClicked(self) -> None:
        path = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), _("Recipe"), "", _("Recipes (*.toml)"))
        if path:
            self.addRecipeFile(path)

    def onCopyClicked(self) -> None:
        qt.QApplication.clipboard().setText(self._details)

    def onLogToggled(self, shown: bool) -> None:
        self.ui.trainLogEdit.visible = shown
        self.ui.trainLogButton.arrowType = qt.Qt.DownArrow if shown else qt.Qt.RightArrow

    def setCurvesShown(self, shown: bool) -> None:
        """Make the button say whether the plots are there."""
        wasBlocked = self.ui.curvesButton.blockSignals(True)
        self.ui.curvesButton.checked = shown
        self.ui.curvesButton.blockSignals(wasBlocked)

    def _showRuns(self, runs, chosen: str) -> None:
        # A list that is being looked through must not be made anew every second.
        if (runs, chosen) == self._runs:
            return
        self._runs = (runs, chosen)
        with self.updating():
            fillCombo(self.ui.runCombo, [(run.folder, run.title) for run in runs], chosen)
            if not chosen:
                self.ui.runCombo.currentIndex = -1

    def _showPicture(self, view) -> None:
        wanted = (str(view.picture) if view.picture is not None else None, view.picture_time)
        if wanted == self._picture:
            return
        self._picture = wanted
        pixmap = qt.QPixmap(wanted[0]) if wanted[0] is not None else qt.QPixmap()
        label = self.ui.pictureLabel
        # A picture that is being replaced just now is shown a second later.
        label.visible = not pixmap.isNull()
        if not pixmap.isNull():
            label.pixmap = pixmap.scaledToWidth(PICTURE_PX, qt.Qt.SmoothTransformation)

    def _showLog(self, lines: tuple[str, ...]) -> None:
        edit = self.ui.trainLogEdit
        if len(lines) < self._logLines:
            edit.clear()
            self._logLines = 0
        for line in lines[self._logLines :]:
            edit.appendPlainText(line)
        self._logLines = len(lines)


def _marks() -> dict[str, str]:
    return {"error": _("Cannot be trained:"), "warning": _("Mind:"), "note": _("Note:")}
