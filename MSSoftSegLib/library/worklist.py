"""Which case to look at next: first what nobody approved yet, and in it what the model was least sure of."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

from MSSoftSegLib.errors import BadLibrary
from MSSoftSegLib.library.case_record import STATUSES, CaseRecord
from MSSoftSegLib.library.layout import CaseId
from MSSoftSegLib.library.reading import SIDE_BY_SIDE, check_is_library, list_case_ids, read_case

Order = Literal["uncertainty", "status", "case"]
DONE = ("approved", "excluded")


def read_all(library: Path) -> tuple[list[CaseRecord], dict[CaseId, BadLibrary]]:
    """The records of all cases, and what is wrong with those that cannot be read; no other file is looked at."""
    check_is_library(library)
    cases = list_case_ids(library)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as readers:
        read = dict(zip(cases, readers.map(lambda case: _record_or_problem(library, case), cases), strict=True))
    records = [record for record in read.values() if isinstance(record, CaseRecord)]
    return records, {case: problem for case, problem in read.items() if isinstance(problem, BadLibrary)}


def _record_or_problem(library: Path, case: CaseId) -> CaseRecord | BadLibrary:
    try:
        return read_case(library, case)
    except BadLibrary as problem:
        return problem


def sort_rows(records: Sequence[CaseRecord], order: Order) -> list[CaseRecord]:
    """The records in an order; equal ones by name."""
    by_name = sorted(records, key=lambda record: str(record.case_id))
    if order == "case":
        return by_name
    if order == "status":
        return sorted(by_name, key=lambda record: STATUSES.index(record.status))
    return sorted(by_name, key=_certainty)


def _certainty(record: CaseRecord) -> tuple[float, ...]:
    """Small for what should be looked at first."""
    found = record.findings
    if found is None:
        return (float(record.status in DONE), 1.0)
    sure = [-(value or 0.0) for value in (found.psu, found.worst_lesion_lsu, found.mean_entropy_nats)]
    return (float(record.status in DONE), 0.0, *sure)


def make_row(record: CaseRecord) -> dict[str, Any]:
    """What a list shows of a case. volume_ml: of the newest mask, else as the model found it."""
    found = record.findings
    drawn = [rater.volume_ml for rater in sorted(record.raters.values(), key=lambda rater: rater.time)]
    volume_ml = drawn[-1] if drawn and drawn[-1] is not None else (found.volume_ml if found else None)
    return {
        "case": str(record.case_id),
        "patient": record.patient,
        "session": record.session,
        "status": record.status,
        "images": [str(modality) for modality in record.images],
        "raters": sorted(record.raters),
        "soft_label": None if record.soft_label is None else record.soft_label.name,
        "preprocessed": record.preprocessed,
        "psu": found.psu if found else None,
        "worst_lesion_lsu": found.worst_lesion_lsu if found else None,
        "mean_entropy": found.mean_entropy_nats if found else None,
        "soft_volume_ml": found.soft_volume_ml if found else None,
        "volume_ml": volume_ml,
        "notes": read_notes(record),
        "changed": record.history[-1].time.isoformat() if record.history else None,
        "source_model": record.source_model,
    }


def read_notes(record: CaseRecord) -> str:
    """Every rater's notes; with the rater's name where several wrote."""
    notes = {rater: entry.notes for rater, entry in sorted(record.raters.items()) if entry.notes}
    if len(notes) == 1:
        return next(iter(notes.values()))
    return "\n".join(f"{rater}: {text}" for rater, text in notes.items())
