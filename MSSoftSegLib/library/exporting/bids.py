"""Part of a library as a library of its own, which is a BIDS data set with derivatives."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from MSSoftSegLib.library.case_record import CaseRecord, Status
from MSSoftSegLib.library.creation import create_library
from MSSoftSegLib.library.exporting.selection import chosen_cases
from MSSoftSegLib.library.layout import inside
from MSSoftSegLib.library.transaction import add_participant
from MSSoftSegLib.result_folder import complete_or_absent


def export_bids(library: Path, out: Path, *, statuses: Sequence[Status]) -> list[CaseRecord]:
    """Copy the cases of some statuses, files and records as they are, into a new folder."""
    records = chosen_cases(library, statuses)
    with complete_or_absent(out, overwrite=False) as folder:
        create_library(folder)
        for record in records:
            for name in (*record.files, record.case_id.record):
                target = inside(folder, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(inside(library, name), target)
            add_participant(folder, record.patient)
    return records
