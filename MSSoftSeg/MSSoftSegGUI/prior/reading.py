"""The reader goes through the changes: each is accepted, rejected or called something else, with one undo for all."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from MSSoftSegGUI.prior.comparison import ChangeRow, ComparedVisit, PairOfVisits, ReadComparison
from MSSoftSegGUI.prior.decisions import (
    ACCEPTED,
    CLASSES,
    RECLASSED,
    REJECTED,
    ChangeDecision,
    ChangeDecisions,
    read_decisions,
    write_decisions,
)
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import find_reason, make_sentence

NOT_DECIDABLE = "not decidable"


@dataclass(frozen=True)
class ReadingView:
    """rows: likeliest change first, as change.json has them. selected: a group's number, 0 = none. message: what went wrong.

    pairs: all that were compared; pair: the name of the one that is read. visits, compared: as in ``ReadComparison``. changed:
    which visits' masks are no longer those that were compared, "before" and "after".
    """

    rows: tuple[ChangeRow, ...] = ()
    decisions: ChangeDecisions = dataclasses.field(default_factory=ChangeDecisions)
    selected: int = 0
    findings: tuple[str, ...] = ()
    volumes_ml: tuple[float, float] = (0.0, 0.0)
    pairs: tuple[PairOfVisits, ...] = ()
    pair: str = ""
    visits: tuple[str, str] = ("", "")
    compared: tuple[ComparedVisit, ComparedVisit] = (ComparedVisit(), ComparedVisit())
    changed: tuple[str, ...] = ()
    is_open: bool = False
    can_undo: bool = False
    message: str = ""

    def row_of(self, group: int) -> ChangeRow | None:
        """The row of a group."""
        return next((row for row in self.rows if row.id == group), None)

    def change_of(self, row: ChangeRow) -> str:
        """What stands: the reader's class, else the one that was found."""
        said = self.decisions.made.get(row.id)
        return said.change if said is not None else row.change

    def decision_of(self, row: ChangeRow) -> str:
        """accepted, rejected, reclassed, or "" while nothing was said."""
        said = self.decisions.made.get(row.id)
        return said.decision if said is not None else ""

    @property
    def summary_text(self) -> str:
        """How many of each class, as it stands; what was rejected counts no more."""
        if not self.is_open:
            return ""
        counts = Counter(self.change_of(row) for row in self.rows if self.decision_of(row) != REJECTED)
        parts = [f"{counts[change]} {say_class(change)}" for change in CLASSES if counts[change]]
        volumes = _("{before:.2f} → {after:.2f} ml").format(before=self.volumes_ml[0], after=self.volumes_ml[1])
        done = _("{done} of {total} decided").format(done=len(self.decisions.made), total=len(self.rows))
        return " · ".join([", ".join(parts) or _("no lesions"), volumes, *([done] if self.rows else [])])

    @property
    def masks_text(self) -> str:
        """Whose lesions are compared."""
        if not self.is_open:
            return ""
        if all(each.reader is None for each in self.compared):
            return _("Lesions of both visits: the model’s")
        words = [
            _("{visit}: {who}").format(visit=say_visit(visit), who=_say_reader(each))
            for visit, each in zip(self.visits, self.compared, strict=True)
        ]
        return _("Lesions of {visits}").format(visits=", ".join(words))

    @property
    def changed_text(self) -> str:
        """That what is shown is not of the masks as they are now; "" while it is, or nobody knows."""
        if not self.is_open or not self.changed:
            return ""
        whose = _(" and ").join(say_visit(each) for each in self.changed)
        return _("The masks have changed since this comparison ({visits}): compare again.").format(visits=whose)

    @property
    def detail_text(self) -> str:
        """All that is known of the row that is selected: volumes with their range, the image, why."""
        row = self.row_of(self.selected)
        if row is None:
            return ""
        before = _say_volume(row.before_mm3, row.before_interval_mm3)
        after = _say_volume(row.after_mm3, row.after_interval_mm3)
        parts = [f"{before} → {after}", _("image {sd:+.1f} SD").format(sd=row.image_difference_sd), row.reason]
        return " · ".join(filter(None, parts))


class ChangeReading:
    """jump(row): shows a change in the views. reviewer: gives the reader's name, "" before she said it."""

    def __init__(
        self, *, show: Callable[[ReadingView], None], jump: Callable[[ChangeRow], None], reviewer: Callable[[], str]
    ) -> None:
        self._show, self._jump, self._reviewer = show, jump, reviewer
        self._comparison: ReadComparison | None = None
        self._history: list[tuple[ChangeDecisions, int]] = []
        self._is_aside = False
        self.view = ReadingView()

    @property
    def comparison(self) -> ReadComparison | None:
        """What is read, None for nothing."""
        return self._comparison

    def open(self, comparison: ReadComparison) -> None:
        """Go through this comparison, from where its reader left it."""
        self._comparison, self._history = comparison, []
        message = ""
        try:
            decisions, self._is_aside = read_decisions(comparison), False
        except ValueError as problem:
            decisions, self._is_aside, message = ChangeDecisions(), True, make_sentence(str(problem))
        self._change(
            ReadingView(
                rows=comparison.rows,
                decisions=decisions,
                findings=comparison.findings,
                volumes_ml=comparison.volumes_ml,
                pairs=comparison.pairs,
                pair=comparison.pair,
                visits=comparison.visits,
                compared=comparison.compared,
                is_open=True,
                message=message,
            )
        )

    def close(self) -> None:
        """Nothing is read any more."""
        self._comparison, self._history = None, []
        self._change(ReadingView())

    def mark_changed(self, visits: tuple[str, ...]) -> None:
        """Say which visits' masks are others now than those that were compared; decisions stay."""
        if self.view.is_open and visits != self.view.changed:
            self._change(changed=visits)

    def select(self, group: int) -> None:
        """Look at a change."""
        row = self.view.row_of(group)
        if row is not None:
            self._change(selected=group)
            self._jump(row)

    def accept(self) -> None:
        """It is as it was found."""
        row = self.view.row_of(self.view.selected)
        if row is not None:
            self._decide(row, ChangeDecision(ACCEPTED, row.change))

    def reject(self) -> None:
        """There is no such change."""
        row = self.view.row_of(self.view.selected)
        if row is not None:
            self._decide(row, ChangeDecision(REJECTED, row.change))

    def reclass(self, change: str) -> None:
        """It is something else; called what it was found to be, it is accepted."""
        row = self.view.row_of(self.view.selected)
        if row is not None and change in CLASSES:
            self._decide(row, ChangeDecision(RECLASSED if change != row.change else ACCEPTED, change))

    def undo(self) -> None:
        """Take the last decision back, and look at its lesion again."""
        if not self._history:
            return
        decisions, group = self._history[-1]
        if self._keep(decisions):
            self._history.pop()
            self._change(decisions=decisions, can_undo=bool(self._history))
            self.select(group)

    def _decide(self, row: ChangeRow, decision: ChangeDecision) -> None:
        before, decisions = self.view.decisions, self.view.decisions.with_decision(row.id, decision)
        if not self._keep(decisions):
            return
        self._history.append((before, row.id))
        self._change(decisions=decisions, can_undo=True, message="")
        following = self._next_open(row.id)
        if following:
            self.select(following)

    def _next_open(self, group: int) -> int:
        """The next change below that nobody decided on, else the first one; 0 where all are decided."""
        ids = [row.id for row in self.view.rows]
        at = ids.index(group)
        return next((each for each in (*ids[at + 1 :], *ids[:at]) if each not in self.view.decisions.made), 0)

    def _keep(self, decisions: ChangeDecisions) -> bool:
        """Whether it is on the disk: what is shown as decided would otherwise be lost unseen."""
        if self._comparison is None:
            return False
        try:
            write_decisions(self._comparison, decisions, reviewer=self._reviewer(), aside=self._is_aside)
        except OSError as problem:
            text = _("The decision could not be kept: {reason}").format(reason=find_reason(problem))
            self._change(message=make_sentence(text))
            return False
        self._is_aside = False
        return True

    def _change(self, view: ReadingView | None = None, **changes: object) -> None:
        self.view = dataclasses.replace(view or self.view, **changes)  # type: ignore[arg-type]
        self._show(self.view)


def say_visit(name: str) -> str:
    """A visit in the reader's language."""
    return {"before": _("earlier visit"), "after": _("today")}.get(name, name)


def _say_volume(mm3: float, interval: tuple[float, float]) -> str:
    """With its range; of what is not there nothing can vary."""
    if not mm3:
        return _("0 mm³")
    return _("{mm3:.0f} mm³ ({low:.0f}–{high:.0f})").format(mm3=mm3, low=interval[0], high=interval[1])


def _say_reader(visit: ComparedVisit) -> str:
    if visit.reader is None:
        return _("the model’s")
    if not visit.reader:
        return _("the reader’s")
    if visit.others:
        text = _("the reader’s ({name}, not {others})")
        return text.format(name=visit.reader, others=", ".join(visit.others))
    return _("the reader’s ({name})").format(name=visit.reader)


def say_class(change: str) -> str:
    """A class in the reader's language."""
    words = {
        "new": _("new"),
        "enlarging": _("enlarging"),
        "stable": _("stable"),
        "shrinking": _("shrinking"),
        "resolved": _("resolved"),
        "merged": _("merged"),
        "split": _("split"),
        NOT_DECIDABLE: _("not decidable"),
    }
    return words.get(change, change)
