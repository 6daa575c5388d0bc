"""Two raters of one case beside each other: where they agree, and how much, in numbers and as a soft union."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from MSSoftSegGUI.library.case_state import CaseState
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import ErrorCard
from MSSoftSegGUI.worker.short_jobs import ShortJobs

TOPIC = "library-agreement"


@dataclass(frozen=True)
class Pair:
    """Two raters and their masks' files. soft_union: 1 where both drew, 0.5 where one did."""

    first: str
    second: str
    first_mask: Path
    second_mask: Path
    soft_union: Path


class AgreementPort(Protocol):
    """What is needed of the scene."""

    def show(self, pair: Pair, done: Callable[[], None], problem: Callable[[ErrorCard], None]) -> None:
        """Show both masks and their soft union side by side, in turns."""

    def hide(self) -> None:
        """Take them away."""


@dataclass(frozen=True)
class AgreementView:
    """One picture. raters: whom this case has."""

    raters: tuple[str, ...] = ()
    first: str = ""
    second: str = ""
    is_on: bool = False
    is_busy: bool = False
    text: str = ""
    error: ErrorCard | None = None

    @property
    def can_compare(self) -> bool:
        """Whether two different raters are chosen."""
        return bool(self.first and self.second and self.first != self.second)


class LibraryAgreement:
    """folder: where the worker puts soft unions. show gets every new picture."""

    def __init__(
        self, jobs: ShortJobs, scene: AgreementPort, *, folder: Path, show: Callable[[AgreementView], None]
    ) -> None:
        self._jobs, self._scene, self._folder, self._show = jobs, scene, folder, show
        self._state = CaseState()
        self._count = 0
        self.view = AgreementView()

    def follow(self, state: CaseState) -> None:
        """Another case is on the table, or its masks are others."""
        same = (state.library, state.case) == (self._state.library, self._state.case)
        self._state = state
        # A mask that was saved just now has no path until the case is opened again.
        raters = tuple(sorted(name for name, mask in state.masks.items() if mask.path))
        if not same or raters != self.view.raters:
            self.set_on(False)
            first, second = (*raters, "", "")[:2]
            self._change(AgreementView(raters=raters, first=first, second=second))

    def choose(self, first: str, second: str) -> None:
        """Other raters are chosen."""
        if (first, second) != (self.view.first, self.view.second):
            self._change(first=first, second=second, text="", error=None)
            if self.view.is_on:
                self.set_on(True)

    def set_on(self, is_on: bool) -> None:
        """Compare, or go back."""
        self._jobs.drop(TOPIC)
        if not is_on or not self.view.can_compare:
            if self.view.is_on:
                self._scene.hide()
            self._change(is_on=False, is_busy=False)
            return
        first, second = self.view.first, self.view.second
        self._count += 1
        self._folder.mkdir(parents=True, exist_ok=True)
        out = self._folder / f"agreement_{self._count}.nii"
        spec = {
            "library": self._state.library,
            "case": self._state.case,
            "raters": [first, second],
            "out": str(out),
        }
        masks = self._state.masks
        pair = Pair(first, second, Path(masks[first].path), Path(masks[second].path), out)
        self._change(is_on=True, is_busy=True, text="", error=None)
        self._jobs.ask(
            "library-agreement",
            spec,
            on_result=lambda summary: self._take(pair, summary),
            on_problem=self._fail,
            topic=TOPIC,
        )

    def _take(self, pair: Pair, summary: Mapping[str, Any]) -> None:
        def done() -> None:
            if (pair.first, pair.second) == (self.view.first, self.view.second) and self.view.is_on:
                self._change(is_busy=False, text=describe_agreement(pair, summary))

        self._scene.show(pair, done, self._fail)

    def _fail(self, card: ErrorCard) -> None:
        self._scene.hide()
        self._change(is_on=False, is_busy=False, text="", error=card)

    def _change(self, view: AgreementView | None = None, **changes: Any) -> None:
        self.view = dataclasses.replace(view or self.view, **changes)
        self._show(self.view)


def describe_agreement(pair: Pair, summary: Mapping[str, Any]) -> str:
    """The agreement in two lines of numbers."""
    volumes = summary.get("volumes", {})
    lesions = summary.get("lesions", {})
    ml = {name: float(volumes.get(name, 0.0)) for name in (pair.first, pair.second)}
    lines = [
        _("DSC {dsc} · lesion F1 {f1} · both {agreed:.2f} ml").format(
            dsc=_score(summary.get("dsc")),
            f1=_score(summary.get("lesion_f1")),
            agreed=float(summary.get("agreed_ml", 0.0)),
        ),
        _("{rater}: {volume:.2f} ml, {lesions} lesions, {alone:.2f} ml alone").format(
            rater=pair.first,
            volume=ml[pair.first],
            lesions=lesions.get("a", "–"),
            alone=float(summary.get("only_a_ml", 0.0)),
        ),
        _("{rater}: {volume:.2f} ml, {lesions} lesions, {alone:.2f} ml alone").format(
            rater=pair.second,
            volume=ml[pair.second],
            lesions=lesions.get("b", "–"),
            alone=float(summary.get("only_b_ml", 0.0)),
        ),
    ]
    return "\n".join(lines)


def _score(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) else _("undefined")
