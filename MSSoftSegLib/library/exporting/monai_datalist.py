"""A library's labelled cases as one JSON data list for MONAI; images and labels stay where they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from MSSoftSegLib.errors import OutputExists
from MSSoftSegLib.library.case_record import CaseRecord, Status
from MSSoftSegLib.library.datalist import write_datalist
from MSSoftSegLib.library.exporting.selection import chosen_cases
from MSSoftSegLib.library.reading import labelled_cases


def export_datalist(library: Path, out: Path, *, statuses: Sequence[Status]) -> list[CaseRecord]:
    """Write the data list to a new .json file."""
    out = out if out.suffix == ".json" else out.with_name(out.name + ".json")
    if out.exists():
        raise OutputExists(f"{out.name} is there already", remedy="choose another --out")
    records = chosen_cases(library, statuses, labelled=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_datalist(labelled_cases(library, statuses=statuses), out)
    return records
