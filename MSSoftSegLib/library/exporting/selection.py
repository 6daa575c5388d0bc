"""Which cases an export takes, checked against their checksums before they leave the library."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.library.case_record import CaseRecord, Status
from MSSoftSegLib.library.exporting.exported import Skipped
from MSSoftSegLib.library.layout import CaseId
from MSSoftSegLib.library.opening import open_case
from MSSoftSegLib.library.reading import read_case, read_library

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Selection:
    """The records to export, and what was left out."""

    records: tuple[CaseRecord, ...]
    skipped: tuple[Skipped, ...] = ()


def select_cases(
    library: Path,
    statuses: Sequence[Status],
    cases: Sequence[CaseId] = (),
    *,
    labeled: bool = False,
    drawn: bool = False,
) -> Selection:
    """The cases of that name, whatever their status, or without names all of some statuses.

    labeled: leave out what nobody and nothing labelled; drawn: and what no rater drew. RequestError where nothing is left,
    BadLibrary where a file is not what it was.
    """
    if cases:
        named = [read_case(library, case) for case in dict.fromkeys(cases)]
        for record in named:
            if record.status != "approved":
                LOGGER.warning("%s is %s, not approved", record.case_id, record.status)
    else:
        named = [record for record in read_library(library) if record.status in statuses]
    kept, skipped = [], []
    for record in named:
        reason = _reason(record, labeled=labeled, drawn=drawn)
        kept += [record] if reason is None else []
        skipped += [Skipped(str(record.case_id), reason)] if reason is not None else []
    if not kept:
        raise _nothing(statuses, skipped)
    # Verified, and also whole where somebody saves just now or died doing so.
    kept = [open_case(library, record.case_id) for record in kept]
    for left_out in skipped:
        LOGGER.warning("%s is left out: it has %s", left_out.case, left_out.reason)
    return Selection(tuple(kept), tuple(skipped))


def _reason(record: CaseRecord, *, labeled: bool, drawn: bool) -> str | None:
    if drawn and not record.raters:
        return "no rater's mask"
    return "no label" if labeled and not record.is_labeled else None


def _nothing(statuses: Sequence[Status], skipped: Sequence[Skipped]) -> RequestError:
    if skipped:
        first = skipped[0]
        return RequestError(f"no case can be exported: {first.case} has {first.reason}", remedy="label a case first")
    return RequestError(
        f"no case is {' or '.join(statuses)}",
        remedy="name other statuses with --status; see mssoftseg library list",
    )
