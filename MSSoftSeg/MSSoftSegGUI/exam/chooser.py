"""Which images of a folder make the exam, where the user has a say: a folder from a scanner, or one with several of a kind.

The worker looks into the folder, proposes and gives reasons; the user takes the proposal or other images of the same visit.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from MSSoftSegGUI.exam.offered import (
    NOTHING,
    FoundVisit,
    SlotChoice,
    describe_visit,
    list_unused,
    make_choice,
    read_visit,
)
from MSSoftSegGUI.scene.state import SLOTS
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import ErrorCard, make_sentence
from MSSoftSegGUI.worker.short_jobs import ShortJobs

TOPIC = "exam-choice"
Identify = Callable[[Path, int], tuple[str, str, str]]


@dataclass(frozen=True)
class ChooserView:
    """What is shown. visits: a line each; visit: the one that is chosen, -1 = none yet; slots: what can be taken for each.

    unused: a line on every other image.
    """

    phase: Literal["closed", "looking", "choosing", "loading"] = "closed"
    visits: tuple[str, ...] = ()
    visit: int = -1
    slots: Mapping[str, SlotChoice] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    can_load: bool = False
    message: str = ""
    message_kind: Literal["note", "warning", "error"] = "note"


class ExamChooser:
    """identify: name, number and date of a DICOM visit, for the screen; load: gets the files by slot, a name, and what to say."""

    def __init__(
        self,
        jobs: ShortJobs,
        *,
        folder: Path,
        identify: Identify,
        load: Callable[[Mapping[str, Path], str, str], None],
        show: Callable[[ChooserView], None],
    ) -> None:
        self._jobs, self._place, self._identify, self._load, self._show = jobs, folder, identify, load, show
        self._folder, self._opened = Path(), 0
        self.is_dicom = False
        self._visits: tuple[FoundVisit, ...] = ()
        self._taken: dict[str, str] = {}
        self.view = ChooserView()

    def look_into(self, folder: Path, *, dicom: bool = False) -> None:
        """Ask the worker what a folder holds."""
        self._folder, self.is_dicom = folder, dicom
        self._change(ChooserView("looking", message=_("Looking through the folder…")))
        spec = {"dicom" if dicom else "folder": str(folder)}
        self._jobs.ask("exam-choices", spec, on_result=self._offer, on_problem=self._fail, topic=TOPIC)

    def pick_visit(self, number: int) -> None:
        """Take another visit: its own images are proposed, and none of the one before stays."""
        if not 0 <= number < len(self._visits):
            return
        visit = self._visits[number]
        self._taken = {slot: visit.chosen[slot].key if slot in visit.chosen else NOTHING for slot in SLOTS}
        self._change(visit=number)
        self._show_choice()

    def pick(self, slot: str, key: str) -> None:
        """Take another image of the visit as FLAIR, T1 or T2, or none."""
        self._taken[slot] = key or NOTHING
        self._show_choice()

    def take(self) -> None:
        """Load what is chosen."""
        if not self.view.can_load:
            return
        if not self.is_dicom:
            files = {slot: self._file(key) for slot, key in self._taken.items() if key != NOTHING}
            self._change(ChooserView())
            self._load(files, self._folder.name, "")
            return
        self._opened += 1
        out = self._place / f"exam-{self._opened}"
        spec = {"exam": {"dicom": str(self._folder), "series": dict(self._taken)}, "out": str(out), "overwrite": True}
        self._change(phase="loading", can_load=False, message=_("Reading the series…"), message_kind="note")
        self._jobs.ask(
            "exam-images",
            spec,
            on_result=lambda summary: self._take_files(out, summary),
            on_problem=self._fail_loading,
            topic=TOPIC,
        )

    def close(self) -> None:
        """Leave everything as it is."""
        self._jobs.drop(TOPIC)
        self._visits = ()
        self._change(ChooserView())

    def _offer(self, summary: Mapping[str, Any]) -> None:
        self._visits = tuple(read_visit(each) for each in summary.get("visits", ()))
        if not self._visits:
            self._change(ChooserView(message=_("There is no image in this folder."), message_kind="warning"))
            return
        titles = []
        for number, visit in enumerate(self._visits):
            named = self._identify(self._folder, visit.file) if visit.file is not None else ("", "", "")
            titles.append(describe_visit(number, visit, named))
        self._change(ChooserView("choosing", visits=tuple(titles)))
        if len(titles) == 1:
            self.pick_visit(0)
        else:
            text = _("There are {count} visits in this folder, and they are never mixed: choose one.")
            self._change(message=text.format(count=len(titles)), message_kind="warning")

    def _show_choice(self) -> None:
        visit = self._visits[self.view.visit]
        keys = [key for key in self._taken.values() if key != NOTHING]
        problem = make_sentence(visit.problem or "") if self._taken["flair"] == NOTHING else ""
        if self._taken["flair"] == NOTHING:
            message, kind = f"{problem} {_('Choose the FLAIR image.')}".strip(), "warning"
        elif len(set(keys)) < len(keys):
            message, kind = _("One image is chosen twice."), "warning"
        else:
            message, kind = (
                " ".join(make_sentence(each) for each in visit.warnings),
                "warning" if visit.warnings else "note",
            )
        self._change(
            phase="choosing",
            slots={slot: make_choice(visit, slot, self._taken[slot]) for slot in SLOTS},
            unused=list_unused(visit, keys),
            can_load=self._taken["flair"] != NOTHING and len(set(keys)) == len(keys),
            message=message,
            message_kind=kind,
        )

    def _take_files(self, out: Path, summary: Mapping[str, Any]) -> None:
        names = summary.get("images", {})
        files = {slot: out / names[slot] for slot in SLOTS if slot in names}
        name = _("DICOM exam") if self._opened == 1 else _("DICOM exam {number}").format(number=self._opened)
        warnings = " ".join(make_sentence(str(each)) for each in summary.get("warnings", ()))
        self._change(ChooserView())
        try:
            self._load(files, name, warnings)
        finally:
            # The scene has the voxels now; nothing of a patient stays on the disk unasked.
            shutil.rmtree(out, ignore_errors=True)

    def _file(self, key: str) -> Path:
        return next((path for path in (self._folder / key, self._folder / "anat" / key) if path.is_file()), Path(key))

    def _fail(self, card: ErrorCard) -> None:
        self._change(ChooserView(message=f"{card.what} {card.remedy}", message_kind="error"))

    def _fail_loading(self, card: ErrorCard) -> None:
        self._show_choice()
        self._change(message=f"{card.what} {card.remedy}", message_kind="error")

    def _change(self, view: ChooserView | None = None, **changes: Any) -> None:
        self.view = dataclasses.replace(view or self.view, **changes)
        self._show(self.view)
