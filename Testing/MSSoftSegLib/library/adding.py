"""Adding to a library by keywords, as tests like to say it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from MSSoftSegLib.library import writing
from MSSoftSegLib.library.case_change import CaseChange
from MSSoftSegLib.library.case_record import CaseRecord
from MSSoftSegLib.library.layout import CaseId


def add_case(
    library: Path, *, patient: str, session: str | None = None, replace: bool = False, **brought: Any
) -> CaseRecord:
    """What is None is left out, as by a command whose options were not given."""
    given = {name: value for name, value in brought.items() if value is not None}
    return writing.add_case(library, CaseChange(CaseId(patient, session), **given), replace=replace)
