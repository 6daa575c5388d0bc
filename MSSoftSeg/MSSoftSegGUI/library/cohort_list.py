"""A cohort's exams one after the other, the most suspicious first: each is opened with its result, for review.

What is opened is a copy of the result: a review changes nothing of what the cohort's tables were made from.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from MSSoftSegGUI.library.cohort_table import (
    CohortRow,
    find_images,
    find_raw_folder,
    find_result_folder,
    forget_files,
    read_cohort,
)
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import make_sentence
from MSSoftSegLib.result_files import WORKING_FOLDER


@dataclass(frozen=True)
class CohortView:
    """What is shown. seen: names of the exams that were opened; needs_images: nobody knows yet where the images are."""

    rows: tuple[CohortRow, ...] = ()
    selected: str = ""
    seen: frozenset[str] = frozenset()
    needs_images: bool = False
    message: str = ""
    message_kind: Literal["note", "warning", "error"] = "note"

    def row_of(self, name: str) -> CohortRow | None:
        """The row of an exam, None where it is not listed."""
        return next((row for row in self.rows if row.name == name), None)


class CohortList:
    """open_exam: gets the files by slot, a name and a result folder; folder: for copies of results."""

    def __init__(
        self,
        *,
        open_exam: Callable[[Mapping[str, Path], str, Path], None],
        folder: Path,
        show: Callable[[CohortView], None],
    ) -> None:
        self._open_exam, self._folder, self._show = open_exam, folder, show
        self._out: Path | None = None
        self._images: Path | None = None
        self._opened = 0
        self.view = CohortView()

    def set_cohort(self, folder: str) -> None:
        """List the exams of a cohort's output folder; nothing is listed for an empty name."""
        self._out, self._images = (Path(folder), find_raw_folder(Path(folder))) if folder else (None, None)
        forget_files()
        if self._out is None:
            self._change(CohortView())
            return
        try:
            rows = read_cohort(self._out)
        except ValueError as problem:
            self._change(CohortView(message=make_sentence(str(problem)), message_kind="warning"))
            return
        bad = sum(not row.has_result for row in rows)
        text = _("{count} exams, {bad} without a result.").format(count=len(rows), bad=bad)
        self._change(CohortView(rows=rows, needs_images=self._images is None, message=text))

    def set_images(self, folder: str) -> None:
        """Where the images are that the cohort was made from."""
        forget_files()
        self._images = Path(folder) if folder else (find_raw_folder(self._out) if self._out is not None else None)
        self._change(needs_images=self._images is None and bool(self.view.rows))

    def select(self, name: str) -> None:
        """A row was clicked."""
        if self.view.row_of(name) is not None:
            self._change(selected=name)

    def open_next(self) -> None:
        """Open the exam after the one that is selected, in the order of suspicion; those without a result are passed over."""
        rows = [row for row in self.view.rows if row.has_result]
        names = [row.name for row in rows]
        at = names.index(self.view.selected) + 1 if self.view.selected in self.view.seen & set(names) else 0
        if at < len(rows):
            self._change(selected=names[at])
            self.open_selected()
        else:
            self._change(message=_("That was the last exam with a result."), message_kind="note")

    def open_selected(self) -> None:
        """Open the selected exam with its result."""
        row = self.view.row_of(self.view.selected)
        if row is None or self._out is None:
            return
        if not row.has_result:
            text = _("{name} has no result: {reason}")
            self._change(message=text.format(name=row.name, reason=row.reasons or row.status), message_kind="warning")
            return
        if self._images is None:
            self._change(
                message=_("Choose the folder with the images that the cohort was made from."), message_kind="warning"
            )
            return
        files = find_images(self._out, row, self._images)
        if "flair" not in files:
            text = _("The FLAIR image that {name} was made from is not in {folder}, or was changed since.")
            self._change(message=text.format(name=row.name, folder=self._images.name), message_kind="warning")
            return
        self._open(row, files)

    def _open(self, row: CohortRow, files: Mapping[str, Path]) -> None:
        assert self._out is not None  # the caller has looked
        self._opened += 1
        copy = self._folder / f"{self._opened}-{row.name}" / "result"
        try:
            shutil.copytree(find_result_folder(self._out, row), copy, ignore=shutil.ignore_patterns(WORKING_FOLDER))
        except (OSError, shutil.Error):
            shutil.rmtree(copy.parent, ignore_errors=True)
            text = _("The result of {name} cannot be read.").format(name=row.name)
            self._change(message=text, message_kind="error")
            return
        self._change(
            seen=self.view.seen | {row.name},
            message=row.reasons or _("Nothing about {name} is suspicious.").format(name=row.name),
            message_kind="warning" if row.reasons else "note",
        )
        self._open_exam(files, row.name, copy)

    def _change(self, view: CohortView | None = None, **changes: Any) -> None:
        self.view = dataclasses.replace(view or self.view, **changes)
        self._show(self.view)
