"""The worklist of a case library: which cases there are, which is worth looking at next, and opening one.

What is on the table and not yet kept is asked about before another case takes its place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from MSSoftSegGUI.library.save_job import Kind, make_gone_card
from MSSoftSegGUI.library.worklist_rows import WorklistRow, make_row, say_counts
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import ErrorCard
from MSSoftSegGUI.worker.short_jobs import ShortJobCard, ShortJobs

LIST_TOPIC, OPEN_TOPIC = "library-worklist", "library-open"
TO_DO = "to-do"
FILTERS: Mapping[str, tuple[str, ...]] = {
    TO_DO: ("unlabelled", "segmented", "corrected"),
    "unlabelled": ("unlabelled",),
    "segmented": ("segmented",),
    "corrected": ("corrected",),
    "approved": ("approved",),
    "excluded": ("excluded",),
    "all": (),
}
ORDERS = ("uncertainty", "status", "case")
# What the library's rooms say of a folder that is absent, empty or somebody else's.
NO_LIBRARY = "is not a case library: it has no"
# Whose mask is drawn on: one's own or else the newest, or nobody's.
OWN, NOBODY = "own", ""


@dataclass(frozen=True)
class Opened:
    """A case that was verified and can be loaded. start_from: whose mask is drawn on, NOBODY's: the drawing is empty."""

    library: str
    summary: Mapping[str, Any]
    start_from: str


class Table(Protocol):
    """What is needed of the scene."""

    def unsaved(self) -> str:
        """What on the table is in no library yet, in words; empty for nothing."""

    def load(self, opened: Opened, done: Callable[[], None], problem: Callable[[ErrorCard], None]) -> None:
        """Load a case, in turns, and put it on the table."""


@dataclass(frozen=True)
class WorklistView:
    """One picture. asked: a case that waits for a word on unsaved work, and what that is; summary: of the library."""

    rows: tuple[WorklistRow, ...] = ()
    selected: str = ""
    filter: str = TO_DO
    order: str = "uncertainty"
    is_loading: bool = False
    is_opening: bool = False
    asked: str = ""
    unsaved: str = ""
    summary: str = ""
    message: str = ""
    message_kind: Kind = "note"
    details: str = ""
    settings_merge: str = ""

    def row_of(self, case: str) -> WorklistRow | None:
        """The row of a case, None where it is not shown."""
        return next((row for row in self.rows if row.case == case), None)


class LibraryWorklist:
    """rater: gives the name of who is at work; save: keeps what is on the table, then goes on.

    known: whether a folder was a library when last looked at; on_known: is told that one is.
    """

    def __init__(
        self,
        jobs: ShortJobs,
        table: Table,
        *,
        rater: Callable[[], str],
        save: Callable[[Callable[[], None]], bool],
        show: Callable[[WorklistView], None],
        known: Callable[[str], bool] = lambda library: False,
        on_known: Callable[[str], None] = lambda library: None,
    ) -> None:
        self._jobs, self._table, self._rater, self._save, self._show = jobs, table, rater, save, show
        self._known, self._on_known = known, on_known
        self.library = ""
        self._start_from = OWN
        self.view = WorklistView()

    def set_library(self, library: str) -> None:
        """Another library folder was chosen: what was listed is not its."""
        if library != self.library:
            self.library = library
            self._jobs.drop(LIST_TOPIC)
            self._change(WorklistView(filter=self.view.filter, order=self.view.order))
            if library:
                self.refresh()

    def refresh(self) -> None:
        """Ask which cases there are."""
        if not self.library:
            return
        view = self.view
        spec = {"library": self.library, "statuses": list(FILTERS[view.filter]), "order": view.order}
        self._change(is_loading=True)
        self._jobs.ask("library-worklist", spec, on_result=self._take, on_problem=self._no_list, topic=LIST_TOPIC)

    def choose(self, *, filter: str | None = None, order: str | None = None) -> None:
        """Show other cases, or in another order."""
        self._change(filter=filter or self.view.filter, order=order or self.view.order)
        self.refresh()

    def select(self, case: str) -> None:
        """A row was clicked."""
        if self.view.row_of(case) is not None:
            self._change(selected=case)

    def start_from(self, rater: str) -> None:
        """Whose mask is drawn on in the next case that is opened: OWN, NOBODY or a rater's name."""
        self._start_from = rater

    def open_selected(self) -> None:
        """Open the selected case."""
        if self.view.selected:
            self.open(self.view.selected)

    def open_next(self, current: str = "") -> None:
        """Open the case after the one on the table, in the list's order; the first where that one is not listed."""
        cases = [row.case for row in self.view.rows]
        at = cases.index(current) if current in cases else -1
        following = [*cases[at + 1 :], *cases[: max(at, 0)]]
        if following:
            self._change(selected=following[0])
            self.open(following[0])
        else:
            self.tell(_("No other case is listed."))

    def open(self, case: str) -> None:
        """Open a case, unless there is unsaved work: then the user is asked."""
        unsaved = self._table.unsaved()
        if unsaved:
            self._change(asked=case, unsaved=unsaved)
        else:
            self._open(case)

    def save_first(self) -> None:
        """The answer: keep what is on the table, then open the case."""
        case = self.view.asked
        if case and self._save(lambda: self._open(case)):
            self._change(asked="", unsaved="")
        elif case:
            self.tell(_("It could not be saved: see above. The case was not opened."), "warning")

    def open_anyway(self) -> None:
        """The answer: open the case; what is on the table stays in the scene."""
        case, unsaved = self.view.asked, self.view.unsaved
        if case:
            self._change(asked="", unsaved="")
            self._open(case, note=_("{what} stays in the scene, unsaved.").format(what=unsaved))

    def stay(self) -> None:
        """The answer: leave everything as it is."""
        self._change(asked="", unsaved="")

    def tell(self, text: str, kind: Kind = "note", details: str = "") -> None:
        """Say what happened."""
        self._change(message=text, message_kind=kind, details=details)

    def forget_opening(self) -> None:
        """The scene is closing."""
        self._jobs.drop(OPEN_TOPIC)
        self._change(asked="", unsaved="", is_opening=False)

    def _open(self, case: str, note: str = "") -> None:
        self._change(is_opening=True, message=_("Opening {case}…").format(case=case), message_kind="note", details="")
        library, wanted = self.library, self._start_from
        self._jobs.ask(
            "library-open",
            {"library": library, "case": case},
            on_result=lambda summary: self._load(Opened(library, summary, self._whose(summary, wanted)), note),
            on_problem=self._fail,
            topic=OPEN_TOPIC,
        )

    def _whose(self, summary: Mapping[str, Any], wanted: str) -> str:
        """Whose mask to draw on: one's own where there is one, else the newest."""
        raters: Mapping[str, Any] = summary.get("raters", {})
        if wanted != OWN:
            return wanted if wanted in raters else NOBODY
        mine = self._rater()
        if mine in raters:
            return mine
        return max(raters, key=lambda name: str(raters[name].get("time", "")), default=NOBODY)

    def _load(self, opened: Opened, note: str) -> None:
        case = str(opened.summary.get("case", ""))
        whose = _("drawing of {rater}").format(rater=opened.start_from) if opened.start_from else _("nothing drawn yet")
        text = " ".join(filter(None, (_("{case} is open: {whose}.").format(case=case, whose=whose), note)))

        def done() -> None:
            self._change(is_opening=False, message=text, message_kind="note")

        self._table.load(opened, done, self._fail)

    def _no_list(self, card: ErrorCard) -> None:
        """There is no library in the folder: not yet, or no longer."""
        if self._known(self.library):
            self._change(rows=(), selected="", summary="")
            self._fail(make_gone_card(self.library, card))
        elif isinstance(card, ShortJobCard) and card.code == "bad-library" and NO_LIBRARY in card.what:
            text = _("No library yet: an empty or new folder becomes one with the first case.")
            self._change(rows=(), selected="", summary=text, is_loading=False)
        else:
            self._change(rows=(), selected="", summary="")
            self._fail(card)

    def _take(self, summary: Mapping[str, Any]) -> None:
        self._on_known(self.library)
        rows = tuple(make_row(each) for each in summary.get("cases", ()))
        selected = self.view.selected if any(row.case == self.view.selected for row in rows) else ""
        problems = [str(each.get("message", "")) for each in summary.get("problems", ())]
        changes: dict[str, Any] = {"message": "", "message_kind": "note", "details": ""}
        if problems:
            text = _("{count} records cannot be read: {first}").format(count=len(problems), first=problems[0])
            changes = {"message": text, "message_kind": "warning", "details": "\n".join(problems)}
        elif self.view.message_kind != "error":
            # What was just said, of a case that was opened, stays to be read.
            changes = {}
        self._change(
            rows=rows,
            selected=selected,
            is_loading=False,
            summary=say_counts(summary.get("counts", {})),
            settings_merge=str(summary.get("merge") or ""),
            **changes,
        )

    def _fail(self, card: ErrorCard) -> None:
        self._change(is_loading=False, is_opening=False)
        self.tell(f"{card.what}\n{card.remedy}", "error", card.details)

    def _change(self, view: WorklistView | None = None, **changes: Any) -> None:
        self.view = dataclasses.replace(view or self.view, **changes)
        self._show(self.view)
