"""Which cases an export takes, checked against their checksums before they leave the library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.library.case_record import CaseRecord, Status
from MSSoftSegLib.library.reading import read_library, verify_files


def chosen_cases(library: Path, statuses: Sequence[Status], *, labelled: bool = False) -> list[CaseRecord]:
    """The records of some statuses; RequestError where there is none, BadLibrary where one's file is not what it was."""
    chosen = [record for record in read_library(library) if record.status in statuses]
    chosen = [record for record in chosen if record.is_labelled] if labelled else chosen
    if not chosen:
        raise RequestError(
            f"no case is {' or '.join(statuses)}",
            remedy="name other statuses with --status; see mssoftseg library list",
        )
    for record in chosen:
        verify_files(library, record, checksums=True)
    return chosen
