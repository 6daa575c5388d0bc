"""The soft label of the exam on the table: asked of the worker anew whenever a choice or the drawing changes.

Every change makes whatever was asked before worthless: its answer, should it come, is not shown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import ErrorCard, make_sentence
from MSSoftSegGUI.worker.processes import Later
from MSSoftSegGUI.worker.short_jobs import ShortJobs
from MSSoftSegGUI.worker.soft_label_choices import SoftChoices

# A slider that moves, a brush that paints: the worker is asked once they rest.
REST_S = 0.25
TOPIC = "soft-label"
DRAWING = ""


@dataclass(frozen=True)
class Rater:
    """name: DRAWING for what is drawn in the scene; path: the label map of another rater, None for the drawing."""

    name: str
    path: Path | None = None

    @property
    def title(self) -> str:
        """What the user reads."""
        return self.name or _("This drawing")


@dataclass(frozen=True)
class SoftCase:
    """An exam with something drawn. key: tells exams apart. raters: the drawing first."""

    key: str
    raters: tuple[Rater, ...]
    has_possible: bool = False


@dataclass(frozen=True)
class SoftInputs:
    """What was written for the worker: the drawing's label map and FLAIR, on one grid."""

    drawing: Path
    flair: Path


class SoftLabelPort(Protocol):
    """What is needed of the scene."""

    def write(self, done: Callable[[SoftInputs], None], problem: Callable[[ErrorCard], None]) -> None:
        """Write the drawing and FLAIR of the exam on the table, in turns."""

    def show(self, soft_mask: Path, done: Callable[[], None], problem: Callable[[ErrorCard], None]) -> None:
        """Lay a soft mask over FLAIR, in turns."""

    def hide(self) -> None:
        """Take it away."""


@dataclass(frozen=True)
class SoftLabelView:
    """One picture. raters: (name, title, whether chosen). used: the choices that make a difference.

    is_shown: what lies over FLAIR is what the choices say.
    """

    raters: tuple[tuple[str, str, bool], ...] = ()
    choices: SoftChoices = field(default_factory=SoftChoices)
    used: frozenset[str] = frozenset()
    is_on: bool = False
    is_busy: bool = False
    is_shown: bool = False
    summary: str = ""
    warning: str = ""
    error: ErrorCard | None = None

    @property
    def has_case(self) -> bool:
        """Whether there is a drawing to make a soft label of."""
        return bool(self.raters)


class SoftLabelPresenter:
    """folder: where the worker puts soft masks. show gets every new picture."""

    def __init__(
        self,
        jobs: ShortJobs,
        scene: SoftLabelPort,
        later: Later,
        *,
        folder: Path,
        show: Callable[[SoftLabelView], None],
    ) -> None:
        self._jobs, self._scene, self._later, self._folder, self._show = jobs, scene, later, folder, show
        self._case: SoftCase | None = None
        self._left_out: frozenset[str] = frozenset()
        self._request = 0
        self._is_on = False
        self._file: Path | None = None
        self.view = SoftLabelView()

    def follow(self, case: SoftCase | None) -> None:
        """Another exam is on the table, or the same with other raters; None: nothing is drawn on it."""
        same = case is not None and self._case is not None and case.key == self._case.key
        if not same:
            self._left_out = frozenset()
            self._scene.hide()
        self._case = case
        self._again()

    def drawing_changed(self, *, has_possible: bool) -> None:
        """Something was painted or erased."""
        if self._case is None:
            return
        is_same = self._case.has_possible == has_possible
        self._case = dataclasses.replace(self._case, has_possible=has_possible)
        # While the preview is off nothing is under way, and the slider that moves a drawing need not wait for a panel
        # that would say the same again.
        if self._is_on or not is_same or self.view != self._anew():
            self._again()

    def change(self, choices: SoftChoices) -> None:
        """The user moved a control."""
        if choices != self.view.choices:
            self.view = dataclasses.replace(self.view, choices=choices)
            self._again()

    def choose_raters(self, names: frozenset[str]) -> None:
        """Only these raters count; none chosen is all chosen, for of nobody no label can be made."""
        everybody = frozenset(rater.name for rater in self._raters(everybody=True))
        self._left_out = everybody - names if names & everybody else frozenset()
        self._again()

    def set_on(self, is_on: bool) -> None:
        """Switch the preview on or off."""
        if is_on != self._is_on:
            self._is_on = is_on
            if not is_on:
                self._scene.hide()
            self._again()

    @property
    def chosen(self) -> tuple[Rater, ...]:
        """The raters that count."""
        return self._raters()

    @property
    def settings(self) -> dict[str, Any]:
        """What the controls say, as a job takes it; the merge is there for cases with several raters, too."""
        choices = self.view.choices
        return choices.settings(2)

    @property
    def shown_file(self) -> Path | None:
        """The file of the soft label that is shown; None while it is not what the controls say."""
        return self._file if self.view.is_shown else None

    def fail(self, card: ErrorCard) -> None:
        """Something about showing it went wrong."""
        self._change(error=card)

    def _raters(self, *, everybody: bool = False) -> tuple[Rater, ...]:
        found = self._case.raters if self._case is not None else ()
        return tuple(rater for rater in found if everybody or rater.name not in self._left_out)

    def _again(self) -> None:
        """Whatever was under way is worthless; ask anew once the hand rests."""
        self._request += 1
        self._jobs.drop(TOPIC)
        self.view = self._anew()
        self._show(self.view)
        if self.view.is_busy:
            request = self._request
            self._later(REST_S, lambda: self._begin(request))

    def _anew(self) -> SoftLabelView:
        """The picture before anything was asked for it."""
        wanted = self._is_on and self._case is not None
        count = len(self.chosen)
        has_possible = self._case is not None and self._case.has_possible
        return dataclasses.replace(
            self.view,
            raters=tuple((r.name, r.title, r.name not in self._left_out) for r in self._raters(everybody=True)),
            used=self.view.choices.used(max(count, 1), has_possible=has_possible),
            is_on=self._is_on,
            is_busy=wanted,
            is_shown=False,
            error=None,
            warning="",
            summary=self.view.summary if wanted else "",
        )

    def _begin(self, request: int) -> None:
        if request == self._request:
            self._scene.write(lambda inputs: self._ask(request, inputs), lambda card: self._fail(request, card))

    def _ask(self, request: int, inputs: SoftInputs) -> None:
        if request != self._request:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        out = self._folder / f"soft_{request}.nii"
        spec = {
            "raters": [str(rater.path or inputs.drawing) for rater in self.chosen],
            "flair": str(inputs.flair),
            "softening": self.view.choices.settings(len(self.chosen)),
            "out": str(out),
            "overwrite": True,
        }
        self._jobs.ask(
            "softmask",
            spec,
            on_result=lambda summary: self._take(request, out, summary),
            on_problem=lambda card: self._fail(request, card),
            topic=TOPIC,
        )

    def _take(self, request: int, out: Path, summary: Mapping[str, Any]) -> None:
        if request == self._request:
            self._scene.show(out, lambda: self._shown(request, out, summary), lambda card: self._fail(request, card))

    def _shown(self, request: int, out: Path, summary: Mapping[str, Any]) -> None:
        if request != self._request:
            # The user has gone on while it was read: what lies there is not what the controls say.
            return
        for old in [*self._folder.glob("soft_*.nii"), *self._folder.glob("soft_*.json")]:
            if old.stem != out.stem:
                old.unlink(missing_ok=True)
        self._file = out
        warning = " ".join(make_sentence(str(each)) for each in summary.get("warnings", ()))
        self._change(is_busy=False, is_shown=True, summary=describe_summary(summary), warning=warning)

    def _fail(self, request: int, card: ErrorCard) -> None:
        if request == self._request:
            # An older mask beside new choices would be taken for theirs.
            self._scene.hide()
            self._change(is_busy=False, is_shown=False, summary="", error=card)

    def _change(self, **changes: Any) -> None:
        self.view = dataclasses.replace(self.view, **changes)
        self._show(self.view)


def describe_summary(summary: Mapping[str, Any]) -> str:
    """The numbers of a soft mask in a line."""
    soft, core = float(summary.get("soft_volume_ml", 0.0)), float(summary.get("core_volume_ml", 0.0))
    text = _("Soft volume {soft:.2f} ml · certain lesion {core:.2f} ml").format(soft=soft, core=core)
    shell = int(summary.get("shell_voxels", 0))
    return text + (" · " + _("{count} voxels in the shell").format(count=shell) if shell else "")
