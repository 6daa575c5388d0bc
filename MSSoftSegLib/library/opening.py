"""A case as somebody begins to work on it: every file verified, also while another person saves it or died doing so."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from MSSoftSegLib.errors import BadLibrary, MSSoftSegError
from MSSoftSegLib.library.case_record import CaseRecord
from MSSoftSegLib.library.layout import CaseId
from MSSoftSegLib.library.reading import check_is_library, read_case, verify_files
from MSSoftSegLib.library.transaction import find_decided, lock_patient

# Renaming the files of one case takes less, also on a slow share.
PAUSES_S = (0.05, 0.3, 1.0)


def open_case(library: Path, case: CaseId) -> CaseRecord:
    """The record of a case whose files all have their checksums; BadLibrary names the first that has not.

    What a killed writer had decided is done first. A file that differs only because its case is being saved just now does so
    no more a moment later.
    """
    check_is_library(library)
    for pause_s in (*PAUSES_S, None):
        try:
            finish_interrupted(library, case)
            record = read_case(library, case)
            verify_files(library, record, checksums=True)
        except BadLibrary:
            if pause_s is None:
                raise
            time.sleep(pause_s)
        else:
            break
    return record


def finish_interrupted(library: Path, case: CaseId) -> None:
    """Carry out what was decided for the patient's cases; who may only read leaves it to the next writer."""
    patient = case.patient.casefold()
    if any(commit.record.patient.casefold() == patient for commit in find_decided(library).values()):
        with suppress(MSSoftSegError, OSError), lock_patient(library, case):
            pass
