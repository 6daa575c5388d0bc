"""A case's way from unlabelled to approved, or to excluded; its record keeps the history."""

from __future__ import annotations

from pathlib import Path

from MSSoftSegLib.library.additions import replace_status
from MSSoftSegLib.library.case_record import CaseRecord, Status
from MSSoftSegLib.library.layout import CaseId
from MSSoftSegLib.library.reading import check_is_library, read_case
from MSSoftSegLib.library.transaction import (
    check_arrived,
    commit_change,
    lock_patient,
    stage_in_place,
    watch_reachable,
)


def set_status(library: Path, case: CaseId, status: Status, *, by: str | None = None) -> CaseRecord:
    """Give a case another status; a case without a label can only be unlabelled or excluded. by: the rater who says so."""
    check_is_library(library)
    read_case(library, case)
    with watch_reachable(library):
        with stage_in_place(library) as folder, lock_patient(library, case):
            before = read_case(library, case)
            record = replace_status(before, status, by=by)
            if record != before:
                commit_change(library, folder, record, staged={})
        check_arrived(library, record)
    return record
