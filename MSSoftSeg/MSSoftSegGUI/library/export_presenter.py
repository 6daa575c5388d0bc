"""Handing cases of a library on: in which format, which of them, and where to."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from MSSoftSegGUI.library.save_job import Kind
from MSSoftSegGUI.library.worklist_rows import say_cases
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import ErrorCard, make_sentence
from MSSoftSegGUI.worker.short_jobs import ShortJobs

TOPIC = "library-export"
DICOM, NNUNET, MONAI = "dicom-seg", "nnunet", "monai-datalist"
FORMATS = ("nifti", "bids", NNUNET, MONAI, DICOM)
DATALIST = "datalist.json"
# nnU-Net takes one mask a case: these merges give one.
BINARY_MERGES = ("intersection", "union")
APPROVED, CORRECTED, SELECTED = "approved", "approved-corrected", "selected"
STATUSES: Mapping[str, tuple[str, ...]] = {
    APPROVED: ("approved",),
    CORRECTED: ("approved", "corrected"),
    # Who names a case means it, whatever its status.
    SELECTED: ("approved", "corrected", "segmented"),
}
TOLD_SKIPPED = 5


@dataclass(frozen=True)
class ExportChoices:
    """out: the folder to write into. dicom: the folder of the source series, for DICOM SEG."""

    format: str = "nifti"
    which: str = APPROVED
    out: str = ""
    dicom: str = ""


@dataclass(frozen=True)
class ExportView:
    """One picture."""

    is_busy: bool = False
    message: str = ""
    message_kind: Kind = "note"
    details: str = ""


class LibraryExport:
    """show gets every new picture."""

    def __init__(self, jobs: ShortJobs, *, show: Callable[[ExportView], None]) -> None:
        self._jobs, self._show = jobs, show
        self.view = ExportView()

    def export(
        self, library: str, choices: ExportChoices, *, selected: str = "", settings: Mapping[str, Any] | None = None
    ) -> None:
        """Export. selected: the case that is selected in the worklist. settings: the library's softening, or None."""
        if self.view.is_busy:
            return
        if lack := _lack(library, choices, selected):
            self._change(message=lack, message_kind="warning", details="")
            return
        spec = make_export_spec(library, choices, selected, settings)
        self._change(is_busy=True, message=_("Exporting…"), message_kind="note", details="")
        out = Path(choices.out).name
        self._jobs.ask(
            "library-export",
            spec,
            on_result=lambda summary: self._take(summary, out),
            on_problem=self._fail,
            topic=TOPIC,
        )

    def cancel(self) -> None:
        """Stop the export that is under way."""
        if self.view.is_busy:
            self._jobs.drop(TOPIC)
            self._change(is_busy=False, message=_("Cancelled."), message_kind="note")

    def _take(self, summary: Mapping[str, Any], out: str) -> None:
        skipped = list(summary.get("skipped", ()))
        cases = _count(summary.get("cases", 0))
        files = _count(summary.get("files", 0))
        text = _("{cases}, {files} files in “{folder}”.").format(cases=say_cases(cases), files=files, folder=out)
        lines = [f"{each.get('case', '')}: {each.get('reason', '')}" for each in skipped]
        if skipped:
            left_out = _("{count} left out: ").format(count=len(skipped)) + "; ".join(lines[:TOLD_SKIPPED])
            text = f"{text} {make_sentence(left_out)}"
        kind: Kind = "warning" if skipped else "note"
        self._change(is_busy=False, message=text, message_kind=kind, details="\n".join(lines))

    def _fail(self, card: ErrorCard) -> None:
        self._change(is_busy=False, message=f"{card.what}\n{card.remedy}", message_kind="error", details=card.details)

    def _change(self, **changes: Any) -> None:
        self.view = dataclasses.replace(self.view, **changes)
        self._show(self.view)


def make_export_spec(
    library: str, choices: ExportChoices, selected: str, settings: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The ``library-export`` job of these choices."""
    merge = str((settings or {}).get("merge") or "")
    return {
        "library": library,
        "format": choices.format,
        "out": str(Path(choices.out) / DATALIST) if choices.format == MONAI else choices.out,
        "statuses": list(STATUSES[choices.which]),
        "cases": [selected] if choices.which == SELECTED else [],
        "merge": merge if choices.format == NNUNET and merge in BINARY_MERGES else None,
        "soft_label": dict(settings) if settings and choices.format != NNUNET else None,
        "dicom": choices.dicom if choices.format == DICOM else None,
    }


def list_formats() -> tuple[tuple[str, str], ...]:
    """(value, words) of every format."""
    words = {
        "nifti": _("NIfTI pairs"),
        "bids": _("BIDS derivatives"),
        "nnunet": _("nnU-Net raw data set"),
        "monai-datalist": _("MONAI datalist"),
        DICOM: _("DICOM segmentation"),
    }
    return tuple((name, words[name]) for name in FORMATS)


def list_case_choices() -> tuple[tuple[str, str], ...]:
    """(value, words) of which cases can be exported."""
    return (
        (APPROVED, _("Approved cases")),
        (CORRECTED, _("Approved and corrected cases")),
        (SELECTED, _("The case selected in the worklist")),
    )


def _lack(library: str, choices: ExportChoices, selected: str) -> str:
    if not library:
        return _("Choose the folder of a library first.")
    if not choices.out:
        return _("Choose a folder to export to.")
    if choices.which == SELECTED and not selected:
        return _("Select a case in the worklist first.")
    if choices.format == DICOM and not choices.dicom:
        return _("A DICOM segmentation refers to its source series: choose the folder that holds it.")
    return ""


def _count(value: Any) -> int:
    return len(value) if isinstance(value, list | tuple) else int(value)
