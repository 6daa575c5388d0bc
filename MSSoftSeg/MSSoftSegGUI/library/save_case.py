"""Keeping the exam on the table in a case library: who drew it, under which pseudonym, with which status.

Nothing is saved before a rater said who she is, once per start of Slicer, and nothing names the patient but what is typed here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from MSSoftSegGUI.library.case_state import CaseState
from MSSoftSegGUI.library.names import gives_away, make_case_name, name_problem
from MSSoftSegGUI.library.save_job import (
    REFUSALS,
    Kind,
    Save,
    SoftFile,
    Status,
    WrittenCase,
    make_gone_card,
    make_kept_state,
    make_save_spec,
)
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import ErrorCard
from MSSoftSegGUI.worker.short_jobs import ShortJobs


class ExamPort(Protocol):
    """What is needed of the scene and of the disk."""

    def exam(self) -> object:
        """What tells the exam on the table from others."""

    def write_case(
        self, *, with_images: bool, done: Callable[[WrittenCase], None], problem: Callable[[ErrorCard], None]
    ) -> None:
        """Write the exam on the table for the worker, in turns."""

    def keep_state(self, exam: object, state: CaseState) -> None:
        """The exam is in the library now; nothing happens where the scene has lost it."""


@dataclass(frozen=True)
class SaveView:
    """One picture. *_hint: what is wrong with, or to know about, the field above; kind says how it is shown."""

    rater: str = ""
    is_rater_confirmed: bool = False
    rater_hint: str = ""
    patient: str = ""
    session: str = ""
    notes: str = ""
    case_hint: str = ""
    case_hint_kind: Kind = "note"
    can_save: bool = False
    is_saving: bool = False
    message: str = ""
    message_kind: Kind = "note"
    details: str = ""


class CaseSaver:
    """show gets every new picture; on_saved is called after every save that reached the library.

    known: whether a folder was a library when last looked at.
    """

    def __init__(
        self,
        jobs: ShortJobs,
        exams: ExamPort,
        *,
        show: Callable[[SaveView], None],
        known: Callable[[str], bool] = lambda library: False,
        on_saved: Callable[[str], None] = lambda case: None,
    ) -> None:
        self._jobs, self._exams, self._show, self._on_saved = jobs, exams, show, on_saved
        self._known = known
        self.library = ""
        self.state = CaseState()
        self._has_drawing = False
        self._person = ""
        self.view = SaveView()

    @property
    def rater(self) -> str:
        """Who is at work, empty until she said so in this start of Slicer."""
        return self.view.rater if self.view.is_rater_confirmed else ""

    def set_library(self, library: str) -> None:
        """Another library folder was chosen."""
        self.library = library.strip()
        self._refresh()

    def propose_rater(self, name: str) -> None:
        """The name that was used last on this computer; it still has to be confirmed."""
        if not self.view.is_rater_confirmed:
            self._refresh(rater=name)

    def type_rater(self, name: str) -> None:
        """A name is being typed: whoever it is has to say so again."""
        self._refresh(rater=name.strip(), is_rater_confirmed=False)

    def confirm_rater(self) -> None:
        """Whoever sits here is the one whose name stands here."""
        if self.view.rater and not name_problem(self.view.rater):
            self._refresh(is_rater_confirmed=True)

    def type_case(self, *, patient: str, session: str) -> None:
        """Pseudonyms are being typed."""
        self.state = dataclasses.replace(self.state, patient=patient.strip(), session=session.strip())
        self._refresh()

    def type_notes(self, notes: str) -> None:
        """Notes are being typed."""
        self.state = dataclasses.replace(self.state, notes=notes)
        self._refresh()

    def follow(self, state: CaseState, *, has_drawing: bool, person: str = "") -> None:
        """Another exam is on the table. person: the patient's name in the images, never to be typed here."""
        self._has_drawing, self.state, self._person = has_drawing, state, person
        self._refresh()

    def dismiss(self) -> None:
        """The reader has gone on: what was said is past, unless a save is still under way."""
        if not self.view.is_saving:
            self.tell("")

    def adopt(self, state: CaseState) -> None:
        """The exam on the table is in the library now; what was typed meanwhile stays."""
        typed = self.state
        self.state = dataclasses.replace(state, patient=typed.patient, session=typed.session, notes=typed.notes)
        self._refresh()

    def tell(self, text: str, kind: Kind = "note", details: str = "") -> None:
        """Say what happened."""
        self._refresh(message=text, message_kind=kind, details=details)

    def fail(self, card: ErrorCard) -> None:
        """Say what went wrong and what to do."""
        self._refresh(is_saving=False)
        self.tell(f"{card.what}\n{card.remedy}", "error", card.details)

    def save(
        self, status: Status | None = None, *, soft: SoftFile | None = None, then: Callable[[], None] | None = None
    ) -> bool:
        """Save the drawing; status None keeps the case's. soft: and this soft label of it.

        then: called after it went well. False where nothing was begun; the message says why.
        """
        if self.view.is_saving:
            return False
        if lack := self._lack():
            self.tell(lack, "warning")
            return False
        state, rater, library = self.state, self.rater, self.library
        status = status or ("approved" if state.is_in(library) and state.status == "approved" else "corrected")
        is_there = state.is_in(library)
        self._refresh(is_saving=True)
        self.tell(_("Saving {case}…").format(case=make_case_name(state.patient, state.session)))
        exam = self._exams.exam()

        def written(case: WrittenCase) -> None:
            save = Save(state, library, rater, status, case, exam, soft=soft, then=then)
            self._look_then_submit(save)

        self._exams.write_case(with_images=not is_there, done=written, problem=self.fail)
        return True

    def is_notes_unsaved(self) -> bool:
        """Whether notes were typed that are nowhere yet."""
        return self.state.notes.strip() != self.state.saved_notes.strip()

    def _lack(self) -> str:
        """What is missing before anything can be saved, in a sentence."""
        view, state = self.view, self.state
        if not self._has_drawing:
            return _("There is no drawing yet: segment this exam, or draw by hand.")
        if not self.library:
            return _("Choose the folder of a library first; an empty folder becomes one.")
        if not view.rater:
            return _("Enter your rater name first.")
        if name_problem(view.rater):
            return _("The rater name cannot be used: {reason}").format(reason=name_problem(view.rater))
        if not view.is_rater_confirmed:
            return _("Confirm first that you are {rater}.").format(rater=view.rater)
        if not state.patient:
            return _("Enter a pseudonym for the patient first; none is made from names in the images.")
        problem = name_problem(state.patient) or name_problem(state.session)
        return _("The pseudonym cannot be used: {reason}").format(reason=problem) if problem else ""

    def _look_then_submit(self, save: Save) -> None:
        """A library that was there must be there still: a new one in the place of a share that vanished helps nobody."""

        def submit(_summary: Mapping[str, Any]) -> None:
            self._submit(save)

        if not self._known(save.library):
            self._submit(save)
            return
        self._jobs.ask(
            "library-settings",
            {"library": save.library},
            on_result=submit,
            on_problem=lambda card: self.fail(make_gone_card(save.library, card)),
        )

    def _submit(self, save: Save) -> None:
        def refused(card: ErrorCard) -> None:
            case = save.case
            if (case.result or case.edited_from) and getattr(card, "code", "") in REFUSALS:
                # A result that cannot be read, or a mask that is gone, must not keep a drawing out of the library.
                bare = dataclasses.replace(case, result=None, edited_from=None)
                self._submit(dataclasses.replace(save, case=bare))
            else:
                self.fail(card)

        self._jobs.ask(
            "library-save",
            make_save_spec(save),
            on_result=lambda summary: self._kept(save, summary),
            on_problem=refused,
        )

    def _kept(self, save: Save, summary: Mapping[str, Any]) -> None:
        """The drawing is in the library."""
        state = make_kept_state(save, summary)
        self._exams.keep_state(save.exam, state)
        self._refresh(is_saving=False)
        is_conflict = bool(summary.get("conflict"))
        self.tell(str(summary.get("message", "")).rstrip(".") + ".", "warning" if is_conflict else "note")
        self._on_saved(state.case)
        if save.then is not None and not is_conflict:
            save.then()

    def _refresh(self, **changes: Any) -> None:
        state = self.state
        hint, kind = self._case_hint()
        view = dataclasses.replace(
            self.view, patient=state.patient, session=state.session, notes=state.notes, case_hint=hint, **changes
        )
        is_confirmed = view.is_rater_confirmed
        problem = name_problem(view.rater)
        hello = "" if is_confirmed or not view.rater else _("Is that you? Confirm once per start of Slicer.")
        self.view = dataclasses.replace(
            view,
            case_hint_kind=kind,
            rater_hint=problem or hello,
            can_save=self._has_drawing and not view.is_saving,
        )
        self._show(self.view)

    def _case_hint(self) -> tuple[str, Kind]:
        state = self.state
        for typed in (state.patient, state.session):
            if problem := name_problem(typed):
                return problem, "error"
        if not state.patient:
            return "", "note"
        if self._person and gives_away(state.patient, self._person):
            return _("This looks like the name or number in the images. Choose a pseudonym instead."), "warning"
        name = make_case_name(state.patient, state.session)
        if state.is_in(self.library):
            return _("{case}, {status} in this library").format(case=name, status=state.status), "note"
        return _("will be kept as {case}").format(case=name), "note"
