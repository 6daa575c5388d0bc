"""How a library merges and softens its raters by default: told by the library, and set for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from MSSoftSegGUI.library.save_job import Kind
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import ErrorCard
from MSSoftSegGUI.worker.short_jobs import ShortJobCard, ShortJobs
from MSSoftSegGUI.worker.soft_label_choices import SoftChoices, list_methods, merge_entries

TOPIC = "library-settings"


@dataclass(frozen=True)
class DefaultView:
    """One picture. is_known: whether the library is there."""

    is_known: bool = False
    text: str = ""
    kind: Kind = "note"


class LibraryDefault:
    """on_known: gets the library's choices, where it has any, when the library was chosen."""

    def __init__(
        self,
        jobs: ShortJobs,
        *,
        show: Callable[[DefaultView], None],
        on_known: Callable[[SoftChoices], None],
    ) -> None:
        self._jobs, self._show, self._on_known = jobs, show, on_known
        self._library = ""
        self.settings: Mapping[str, Any] | None = None
        self.view = DefaultView()

    def set_library(self, library: str) -> None:
        """Another library was chosen."""
        if library == self._library:
            return
        self._library, self.settings = library, None
        self._jobs.drop(TOPIC)
        self._change(is_known=False, text="", kind="note")
        self.refresh()

    def refresh(self) -> None:
        """Ask what the library's default is, unless it is known."""
        if self._library and not self.view.is_known:
            self._ask(None, told="")

    def set(self, settings: Mapping[str, Any]) -> None:
        """Make these settings the library's default."""
        if self._library:
            self._ask(settings, told=_("Default of this library now."))

    def _ask(self, settings: Mapping[str, Any] | None, *, told: str) -> None:
        self._jobs.ask(
            "library-settings",
            {"library": self._library, "softening": dict(settings) if settings is not None else None},
            on_result=lambda summary: self._take(summary, told),
            on_problem=self._fail,
            topic=TOPIC,
        )

    def _take(self, summary: Mapping[str, Any], told: str) -> None:
        settings = summary.get("softening")
        isNews = self.settings != settings
        self.settings = settings if isinstance(settings, dict) else None
        text = describe_default(self.settings)
        self._change(is_known=True, text=f"{told} {text}".strip() if told else text, kind="note")
        if self.settings is not None and isNews and not told:
            self._on_known(SoftChoices.of_settings(self.settings))

    def _fail(self, card: ErrorCard) -> None:
        if isinstance(card, ShortJobCard) and card.code == "bad-library":
            # That the folder is no library yet is told where it is chosen.
            self._change(is_known=False, text="")
        else:
            self._change(text=f"{card.what}\n{card.remedy}", kind="error")

    def _change(self, **changes: Any) -> None:
        self.view = dataclasses.replace(self.view, **changes)
        self._show(self.view)


def describe_default(settings: Mapping[str, Any] | None) -> str:
    """A library's default in a line; empty where it has none."""
    if settings is None:
        return ""
    merges, methods = dict(merge_entries()), dict(list_methods())
    parts = [merges.get(str(settings.get("merge")), ""), methods.get(str(settings.get("method")), "")]
    return _("This library: {how}").format(how="; ".join(part for part in parts if part))
