"""The Compare button: what can be compared is found by itself, the worker that segments compares.

idle → asking (the library is asked where a case lies) → running → done, failed or cancelled.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from MSSoftSegGUI.prior.candidates import PriorCandidate, Today, find_earlier_sessions, offer_again, offer_folder
from MSSoftSegGUI.prior.comparison import is_comparison
from MSSoftSegGUI.prior.kept_cases import KeptCases
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import ErrorCard, make_card
from MSSoftSegGUI.worker.event_lines import Event
from MSSoftSegGUI.worker.port import WorkerPort
from MSSoftSegGUI.worker.processes import Later
from MSSoftSegGUI.worker.remaining_time import say_remaining
from MSSoftSegGUI.worker.short_jobs import ShortJobs
from MSSoftSegGUI.worker.stage_titles import name_stage
from MSSoftSegLib.result_files import FACTS_FILE

TICK_S = 1.0
LIST_TOPIC, OPEN_TOPIC = "prior-sessions", "prior-open"
# What segmented today's visit is to segment the prior; a mask of today's brain fits no other visit.
COMPUTED_BRAINS = ("hd-bet", "atlas", "none")
Phase = Literal["idle", "asking", "running", "cancelling"]


@dataclass(frozen=True)
class CompareView:
    """One picture. chosen: the key of a candidate, "" for none. percent: 0–100. hint: why nothing can be compared yet.

    raters: who drew on the one that is chosen, the latest first, none unless there is a choice; rater: whose mask is to be taken,
    "" for the latest.
    """

    candidates: tuple[PriorCandidate, ...] = ()
    chosen: str = ""
    raters: tuple[str, ...] = ()
    rater: str = ""
    phase: Phase = "idle"
    case_name: str = ""
    stage_text: str = ""
    percent: float = 0.0
    remaining_text: str = ""
    error: ErrorCard | None = None
    note: str = ""
    hint: str = ""

    @property
    def is_running(self) -> bool:
        """Whether a comparison is under way: the button then cancels."""
        return self.phase != "idle"

    @property
    def candidate(self) -> PriorCandidate | None:
        """What is chosen."""
        return next((each for each in self.candidates if each.key == self.chosen), None)


class MaskPort(Protocol):
    """Writes what a reader corrected of the visits for the worker."""

    def write(
        self,
        today: Today,
        prior: PriorCandidate,
        done: Callable[[list[dict[str, str]]], None],
        problem: Callable[[ErrorCard], None],
    ) -> None:
        """done gets whose lesions are compared, the prior's first, as the job takes them."""

    def stop(self) -> None:
        """Nobody waits for them any more."""


@dataclass
class _ComparisonRun:
    today: Today
    out: Path
    name: str
    since: float
    share: float = 0.0
    is_wanted: bool = True


class ComparePresenter:
    """loaded: gives what the scene has to compare with. keep: gives the folder where comparisons stay, "" for none.

    masks: writes what was corrected. runs_folder: where comparisons lie otherwise. on_compared(today, folder): one is there, with
    the prior that ``today`` names now, "" for a comparison that was picked. on_case(key, summary): what the library says of one.
    """

    def __init__(
        self,
        worker: WorkerPort,
        jobs: ShortJobs,
        later: Later,
        masks: MaskPort,
        *,
        runs_folder: Path,
        loaded: Callable[[], tuple[PriorCandidate, ...]],
        keep: Callable[[], str],
        show: Callable[[CompareView], None],
        on_compared: Callable[[Today, Path], None],
        on_case: Callable[[str, Mapping[str, Any]], None] = lambda key, summary: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._worker, self._jobs, self._later, self._clock = worker, jobs, later, clock
        self._masks, self._runs_folder, self._loaded, self._keep = masks, runs_folder, loaded, keep
        self._show, self._on_compared, self._on_case = show, on_compared, on_case
        self._today: Today | None = None
        self._picked: tuple[PriorCandidate, ...] = ()
        self._sessions: tuple[PriorCandidate, ...] = ()
        self._cases = KeptCases(jobs, self._take_case)
        self._is_by_hand = False
        self._run: _ComparisonRun | None = None
        self.view = CompareView()

    def follow(self, today: Today | None) -> None:
        """Another visit is on the table, or another result of it; a comparison that runs goes on."""
        is_other = today is None or self._today is None or today.exam != self._today.exam
        if is_other or today.patient != self._today.patient or today.library != self._today.library:
            self._sessions = ()
            self._jobs.drop(LIST_TOPIC)
        if is_other:
            self._picked = offer_again(today.prior if today is not None else "")
            self._is_by_hand = False
            if not self.view.is_running:
                self._change(chosen="", rater=today.rater if today is not None else "", error=None, note="")
        self._today = today
        self._list()

    def look(self) -> None:
        """The section is opened: ask the library for earlier sessions of this patient."""
        today = self._today
        # Somebody may have drawn on them since.
        self._cases.forget()
        self._list()
        if today is None or not today.library or not today.patient:
            return
        self._jobs.ask(
            "library-worklist",
            {"library": today.library, "order": "case"},
            on_result=lambda summary: self._take_sessions(today, summary),
            # Without a library there is still the folder.
            on_problem=lambda card: None,
            topic=LIST_TOPIC,
        )

    def choose(self, key: str) -> None:
        """The reader picks one of the list."""
        self._is_by_hand = True
        self._change(chosen=key, rater="")
        self._look_into_cases()

    def choose_rater(self, rater: str) -> None:
        """The reader picks whose mask of the earlier visit counts, "" for the latest."""
        self._change(rater=rater)

    def pick_folder(self, folder: Path) -> None:
        """The reader picks a folder: of a visit, or of a comparison that is there already and is opened."""
        if is_comparison(folder):
            if self._today is not None:
                self._on_compared(dataclasses.replace(self._today, prior="", rater=""), folder)
            return
        candidate = offer_folder(folder)
        self._picked = (*(each for each in self._picked if each.key != candidate.key), candidate)
        self._is_by_hand = True
        self._list(chosen=candidate.key)

    def compare_again(self) -> None:
        """Compare with the same visit as before; where that is not offered any more, ask for it."""
        today = self._today
        if today is None or self.view.is_running:
            return
        if today.prior not in [each.key for each in self.view.candidates]:
            self.say(_("Choose the earlier visit above, then click Compare."))
            return
        if self.view.chosen != today.prior:
            self._is_by_hand = True
            self._change(chosen=today.prior, rater=today.rater)
        self._begin()

    def toggle(self) -> None:
        """The button: compare, or cancel what runs."""
        if self.view.is_running:
            self.cancel()
        else:
            self._begin()

    def cancel(self) -> None:
        """Stop the comparison that is under way."""
        if self.view.phase == "asking":
            self._jobs.drop(OPEN_TOPIC)
            self._masks.stop()
            self._change(phase="idle", stage_text="", note=_("Cancelled."))
        elif self._run is not None and self.view.phase == "running":
            self._change(phase="cancelling", stage_text=_("Cancelling…"), remaining_text="")
            self._worker.cancel(self._run.name)

    def forget(self) -> None:
        """The scene was closed: stop, and let nothing of it reach the panel any more."""
        self._jobs.drop(LIST_TOPIC)
        self._jobs.drop(OPEN_TOPIC)
        self._masks.stop()
        run, self._run = self._run, None
        self._today, self._picked, self._sessions = None, (), ()
        if run is not None:
            run.is_wanted = False
            self._worker.cancel(run.name)
        self._change(CompareView())
        self._list()

    def say(self, note: str) -> None:
        """What there is to know after a comparison."""
        self._change(note=note, error=None)

    def fail(self, what: str, remedy: str) -> None:
        """Something went wrong outside the worker."""
        self._change(error=ErrorCard(what, remedy, what), note="")

    def _list(self, chosen: str = "") -> None:
        own = self._today.result if self._today is not None else None
        found = [*self._sessions, *(each for each in self._loaded() if each.folder != own), *self._picked]
        keys = [each.key for each in found]
        prior = self._today.prior if self._today is not None and not self._is_by_hand else ""
        # What was compared before, else the latest earlier session, is what a reader would ask for.
        wanted = (chosen, prior, self.view.chosen, *keys)
        kept = next((each for each in wanted if each in keys), "")
        self._change(candidates=tuple(found), chosen=kept, hint=_hint(self._today, found))
        self._look_into_cases()

    def _look_into_cases(self) -> None:
        """Ask the library who drew on the case that is chosen, and on the one that was compared."""
        today, chosen = self._today, self.view.candidate
        case = chosen.case if chosen is not None else ""
        raters = self._cases.find_raters(case)
        is_open = not self._cases.is_known(case)
        self._change(raters=raters, rater=self.view.rater if is_open or self.view.rater in raters else "")
        if today is not None and today.library:
            meant = (each for each in self.view.candidates if each.key in (self.view.chosen, today.prior))
            self._cases.ask(today.library, meant)

    def _take_case(self, key: str, summary: Mapping[str, Any]) -> None:
        self._look_into_cases()
        self._on_case(key, summary)

    def _take_sessions(self, today: Today, summary: Mapping[str, Any]) -> None:
        if self._today is not None and self._today.exam == today.exam:
            self._sessions = find_earlier_sessions(summary.get("cases", ()), today.patient, today.session)
            self._list()

    def _begin(self) -> None:
        today, candidate = self._today, self.view.candidate
        if today is None or today.result is None or candidate is None:
            return
        self._change(error=None, note="", percent=0.0, remaining_text="", case_name=today.case_name)
        # Whatever is chosen meanwhile: this is what is compared.
        today = dataclasses.replace(today, prior=candidate.key, rater=self.view.rater)
        if candidate.folder is not None:
            self._correct(today, candidate, candidate.folder)
            return
        self._change(phase="asking", stage_text=_("Looking into the library"))
        self._jobs.ask(
            "library-open",
            {"library": today.library, "case": candidate.case},
            on_result=lambda summary: self._correct(today, candidate, Path(str(summary["images"]["flair"])).parent),
            on_problem=lambda card: self._end(error=card),
            topic=OPEN_TOPIC,
        )

    def _correct(self, today: Today, candidate: PriorCandidate, prior: Path) -> None:
        """Write what was corrected of either visit, then compare."""
        self._change(phase="asking", stage_text=_("Taking over your corrections"))
        self._masks.write(
            today,
            candidate,
            done=lambda masks: self._submit(today, prior, masks),
            problem=lambda card: self._end(error=card),
        )

    def _submit(self, today: Today, prior: Path, masks: list[dict[str, str]]) -> None:
        try:
            settings = _settings_of(today.result)
        except (OSError, ValueError, KeyError, TypeError):
            self._end(error=_no_result())
            return
        run = _ComparisonRun(today, self._place_for(today), uuid.uuid4().hex[:12], self._clock())
        self._run = run
        self._change(phase="running", stage_text=_("Starting the worker"))
        spec = {"visits": [str(prior), str(today.result)], "masks": masks, "out": str(run.out), **settings}
        if today.rater:
            spec["rater"] = today.rater
        self._worker.submit({"job": run.name, "kind": "change", "spec": spec}, lambda event: self._hear(run, event))
        self._later(TICK_S, lambda: self._tick(run))

    def _place_for(self, today: Today) -> Path:
        """A folder that is not there yet."""
        keep = self._keep()
        if not keep:
            return self._runs_folder / uuid.uuid4().hex[:12] / "change"
        return find_free_name(Path(keep), today.case_name)

    def _tick(self, run: _ComparisonRun) -> None:
        if self._run is run:
            if self.view.phase == "running":
                self._change(remaining_text=say_remaining(self._clock() - run.since, run.share))
            self._later(TICK_S, lambda: self._tick(run))

    def _hear(self, run: _ComparisonRun, event: Event) -> None:
        kind = event["event"]
        if not run.is_wanted:
            # Nobody waits for it any more.
            if kind == "result":
                shutil.rmtree(run.out, ignore_errors=True)
        elif kind == "progress":
            self._hear_progress(run, event)
        elif kind == "result":
            self._end(percent=100.0)
            self._on_compared(run.today, run.out)
        elif kind == "failed":
            self._end(error=_card(event, self._worker.details()))
        elif kind == "cancelled":
            self._end(note=_("Cancelled."))

    def _hear_progress(self, run: _ComparisonRun, event: Event) -> None:
        share = event.get("overall")
        if isinstance(share, int | float):
            run.share = min(1.0, max(run.share, float(share)))
        if self.view.phase == "running":
            inner = str(event.get("message") or "")
            titles = [name_stage(str(event.get("stage", ""))), *([name_stage(inner)] if inner else [])]
            left = say_remaining(self._clock() - run.since, run.share)
            self._change(stage_text=": ".join(titles), percent=100 * run.share, remaining_text=left)

    def _end(self, **changes: Any) -> None:
        self._run = None
        self._change(phase="idle", stage_text="", remaining_text="", **changes)

    def _change(self, view: CompareView | None = None, **changes: Any) -> None:
        self.view = dataclasses.replace(view or self.view, **changes)
        self._show(self.view)


def find_free_name(place: Path, case_name: str) -> Path:
    """A folder for a comparison of this case that is not there yet."""
    name = re.sub(r"[^\w.-]+", "_", case_name).strip("._") or "case"
    numbers = (place / f"{name}_change{number}" for number in ("", *(f"_{n}" for n in range(2, 10_000))))
    return next(folder for folder in numbers if not folder.exists())


def _hint(today: Today | None, candidates: list[PriorCandidate]) -> str:
    if today is None:
        return _("Choose an exam first: today’s visit.")
    if today.result is None:
        return _("Segment this exam first: its result is what is compared.")
    if today.comparison:
        return ""
    return "" if candidates else _("Choose the folder of an earlier visit: its images, or a result of it.")


def _settings_of(result: Path | None) -> dict[str, Any]:
    """How the prior is to be segmented if it is not yet: as today's visit was."""
    if result is None:
        raise ValueError
    facts = json.loads((result / FACTS_FILE).read_text(encoding="utf-8"))
    brain, tta = facts.get("brain_extraction"), facts.get("tta")
    settings: dict[str, Any] = {"model": str(facts["model"]["name"])}
    settings["preprocessing"] = {"brain": brain if brain in COMPUTED_BRAINS else "auto"}
    return settings | ({"tta": tta} if tta in ("flips8", "none") else {})


def _no_result() -> ErrorCard:
    return ErrorCard(
        _("The files of today’s result are gone."), _("Click Segment again, then compare."), "no result files"
    )


def _card(event: Event, details: str) -> ErrorCard:
    card = make_card(event, details=details)
    if str(event.get("code", "")) != "bad-exam":
        return card
    # What the command line would do is not what helps here.
    remedy = _("Choose another prior: its images, or a result of the same model with its working folder.")
    return dataclasses.replace(card, remedy=remedy)
