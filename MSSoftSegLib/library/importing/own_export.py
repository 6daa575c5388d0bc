"""What our own exports say of their cases in a field of their own, so that they come back as they went out.

Other programs do not look at it, and whoever writes such a field by hand is held to its shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from MSSoftSegLib.library.case_record import CaseRecord, Status

KEY = "mssoftseg"


@dataclass(frozen=True)
class OwnCase:
    """What a case was in the library that it came from; None where it is not said."""

    status: Status | None = None
    preprocessed: bool | None = None


NOTHING_SAID = OwnCase()


@dataclass(frozen=True)
class OwnExport:
    """possible_lesion: the label value that stands for it. cases: by name."""

    possible_lesion: int | None = None
    cases: Mapping[str, OwnCase] = field(default_factory=dict)

    def case(self, name: str) -> OwnCase:
        """What is said of a case."""
        return self.cases.get(name, NOTHING_SAID)


def find_own_export_field(records: Iterable[CaseRecord], *, possible_lesion: int | None = None) -> dict[str, Any]:
    """The field as an export writes it."""
    cases = {str(each.case_id): {"status": each.status, "preprocessed": each.preprocessed} for each in records}
    return {KEY: {"possible_lesion": possible_lesion, "cases": cases}}


def find_own_export(document: Mapping[str, Any]) -> OwnExport:
    """What a description says in our field; nothing where the field is not there or not of our shape."""
    stated = document.get(KEY)
    if not isinstance(stated, dict):
        return OwnExport()
    possible, cases = stated.get("possible_lesion"), stated.get("cases")
    whole = isinstance(possible, int) and not isinstance(possible, bool) and possible > 0
    found = {name: _case(facts) for name, facts in cases.items()} if isinstance(cases, dict) else {}
    return OwnExport(possible if whole else None, found)


def _case(facts: Any) -> OwnCase:
    if not isinstance(facts, dict):
        return OwnCase()
    status, preprocessed = facts.get("status"), facts.get("preprocessed")
    return OwnCase(
        status if status in get_args(Status) else None, preprocessed if isinstance(preprocessed, bool) else None
    )
