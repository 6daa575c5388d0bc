"""The training section put together: pre-flight, trainings, curves, comparison, decision."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.train.choices import suggest_name
from MSSoftSegGUI.train.curves import TrainingCurves
from MSSoftSegGUI.train.decision_panel import DecisionPanel
from MSSoftSegGUI.train.judgment import JudgmentPresenter
from MSSoftSegGUI.train.long_jobs import LongJobs
from MSSoftSegGUI.train.panel import TrainPanel
from MSSoftSegGUI.train.preflight import PreflightPresenter
from MSSoftSegGUI.train.presenter import TrainPresenter
from MSSoftSegGUI.train.recipe_list import list_shipped_recipes
from MSSoftSegGUI.worker.qt_process import callLater


class TrainingWorkbench:
    """quickWorker: the worker for short jobs; judge: one for comparisons. models: lists the installed ones, the default first;

    library: where cases are kept, "" where nowhere.
    onDecided: a model was installed or removed; gets whether the default is another one now.
    """

    def __init__(self, uiPath: str, quickWorker, judge, *, models, library, onDecided) -> None:
        self.jobs, self.judge, self._models, self._keptIn = LongJobs(), judge, models, library
        self.curves = TrainingCurves()
        self._suggested = self._library = ""
        # As the module's page has it.
        self._isFolded = True
        actions = {"train": self.onTrain, "choose": lambda folder: self.presenter.choose(folder)}
        actions |= {name: lambda name=name: getattr(self.presenter, name)() for name in ("stop", "resume", "finish")}
        actions["library"] = self.suggestName
        self.panel = TrainPanel(uiPath, actions=actions, onChoice=self.onChoice, onCurves=self.onCurves)
        self.decision = DecisionPanel(
            self.panel.ui, compare=self.onCompare, decide=lambda decision: self.judgment.decide(decision)
        )
        self.preflight = PreflightPresenter(
            quickWorker,
            callLater,
            models=self.jobs.models_folder,
            show=self.panel.showPreflight,
            others_running=self.jobs.is_one_running,
        )
        self.judgment = JudgmentPresenter(
            judge,
            quickWorker,
            show=self.decision.show,
            confirm=self._confirmed,
            on_decided=lambda decision: onDecided(decision == "default"),
            is_default=self._isDefault,
        )
        self.presenter = TrainPresenter(
            self.jobs,
            quickWorker,
            callLater,
            show=self._show,
            on_chosen=self._chosen,
            on_finished=self._finished,
        )
        self.panel.setRecipes(list_shipped_recipes(), list_shipped_recipes()[0][0])
        self.onChoice()
        self.panel.show(self.presenter.view)
        self.decision.show(self.judgment.view)

    @property
    def widget(self):
        """What is laid out in the section."""
        return self.panel.widget

    def enter(self) -> None:
        """The module is opened, or a scene: list the trainings and attach to the newest that runs."""
        self._followLibrary()
        self.onFolded(self._isFolded)
        self.presenter.look()
        self.panel.setCurvesShown(self.curves.isShown)

    def _followLibrary(self) -> None:
        """The library that cases are kept in is what one learns from, unless another was chosen here."""
        library = self._keptIn()
        if library and self.panel.choices().library in ("", self._library):
            self._library = library
            self.panel.setLibrary(library)
            self.suggestName()

    def setModels(self, models) -> None:
        """The installed models; the default comes first and is what one starts from unless another was chosen."""
        self.panel.setModels(models, self.panel.choices().init or models[0].name)

    def forgetScene(self) -> None:
        """The scene is closing; the training works on, and its curves come back."""
        self.curves.forget()

    def shutDown(self) -> None:
        """The module is unloaded: what is being trained works on."""
        self.preflight.forget()
        self.judgment.forget()
        self.presenter.leave()
        if self.curves.isShown:
            self.curves.setShown(False)
        self.curves.forget()
        self.judge.shutdown()

    def onChoice(self) -> None:
        self.preflight.choose(self.panel.choices())

    def onFolded(self, folded: bool) -> None:
        """The section is opened or folded: what is not looked at is not asked for."""
        self._isFolded = folded
        if not folded:
            self.onChoice()

    def suggestName(self) -> None:
        """A new library: the model is named after it, unless the user named it herself."""
        choices = self.panel.choices()
        if choices.library and choices.name in ("", self._suggested):
            taken = {model.name for model in self._models()} | {Path(state.out).name for state in self.jobs.trainings()}
            self._suggested = suggest_name(choices.library, taken, datetime.date.today())
            self.panel.setName(self._suggested)

    def onTrain(self) -> None:
        if self.preflight.view.can_train:
            self.presenter.start(self.panel.choices().spec(self.jobs.models_folder()))
            self.onCurves(True)

    def onCompare(self) -> None:
        self.judgment.compare(self.panel.choices().device)

    def onCurves(self, shown: bool) -> None:
        self.curves.setShown(shown)
        self.panel.setCurvesShown(self.curves.isShown)
        self.curves.show(self.presenter.view.curves)

    def _show(self, view) -> None:
        self.panel.show(view)
        self.curves.show(view.curves)

    def _chosen(self, state) -> None:
        self.judgment.choose(state)
        self.panel.foldPlan(state is not None)
        if state is not None and Path(state.out).name == self.panel.choices().name:
            # The name is taken now: the next model is to have another.
            self._suggested = state.out
            self.suggestName()
            self.onFolded(self._isFolded)

    def _finished(self, state) -> None:
        self.judgment.choose(state)
        self.onCompare()

    def _confirmed(self, question: str) -> bool:
        return slicer.util.confirmOkCancelDisplay(question, windowTitle=_("New model"))

    def _isDefault(self, model: Path) -> bool:
        """Whether the bundle in this folder is what is used where no model is named, by its checksum."""
        default = self._models()[0]
        try:
            contents = [(folder / "model.json").read_bytes() for folder in (model, default.folder)]
        except OSError:
            return False
        return hashlib.sha256(contents[0]).digest() == hashlib.sha256(contents[1]).digest()
