"""A case of a library as a row of the worklist, and a library in a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from MSSoftSegGUI.widgets.translation import tr as _


@dataclass(frozen=True)
class WorklistRow:
    """One case. psu: structural uncertainty of the patient; worst: of the worst lesion; None where no model said."""

    case: str
    status: str
    psu: float | None = None
    worst: float | None = None
    volume_ml: float | None = None
    raters: tuple[str, ...] = ()
    has_soft_label: bool = False
    changed: str = ""
    notes: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """The cells."""
        raters = ", ".join(self.raters) + (" + soft" if self.has_soft_label else "")
        return (
            self.case.removeprefix("sub-").replace("_ses-", "/"),
            say_status(self.status),
            _number(self.psu),
            _number(self.worst),
            _number(self.volume_ml),
            raters,
            self.changed[:10],
        )


def make_row(case: Mapping[str, Any]) -> WorklistRow:
    """A case of the worker's answer as a row."""
    notes = case.get("notes")
    return WorklistRow(
        case=str(case["case"]),
        status=str(case["status"]),
        psu=case.get("psu"),
        worst=case.get("worst_lesion_lsu"),
        volume_ml=case.get("volume_ml"),
        raters=tuple(str(rater) for rater in case.get("raters", ())),
        has_soft_label=bool(case.get("soft_label")),
        changed=str(case.get("changed") or ""),
        notes="\n".join(f"{k}: {v}" for k, v in notes.items()) if isinstance(notes, dict) else str(notes or ""),
    )


def say_counts(counts: Mapping[str, int]) -> str:
    """How many cases of which status a library holds."""
    total = sum(counts.values())
    if not total:
        return _("no case yet")
    parts = [f"{count} {say_status(status)}" for status, count in counts.items() if count]
    return f"{say_cases(total)}: {', '.join(parts)}"


def say_cases(count: int) -> str:
    """So many cases, in words."""
    return _("one case") if count == 1 else _("{count} cases").format(count=count)


def say_status(status: str) -> str:
    """A status as the user reads it."""
    words = {
        "unlabelled": _("unlabelled"),
        "segmented": _("segmented"),
        "corrected": _("corrected"),
        "approved": _("approved"),
        "excluded": _("excluded"),
    }
    return words.get(status, status)


def list_columns() -> tuple[tuple[str, str], ...]:
    """(title, hint) of each column."""
    return (
        (_("Case"), _("Patient’s pseudonym / session.")),
        (_("Status"), _("How far this case has come.")),
        (
            _("PSU"),
            _("Patient’s structural uncertainty, 0–1: how little the model’s passes agree on this patient’s lesions."),
        ),
        (_("Worst"), _("Structural uncertainty of the lesion that the model was least sure of, 0–1.")),
        (_("ml"), _("Volume of the lesions, ml: of the newest mask, else as the model found them.")),
        (_("Raters"), _("Whose masks are kept, and whether a soft label is.")),
        (_("Changed"), _("When the case was last changed.")),
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
