"""One row two neighboring visits: how many lesions are new, enlarging, shrinking …, and by how much the volume changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from MSSoftSegLib.change.classes import ChangeClass
from MSSoftSegLib.change.document import ChangeDocument
from MSSoftSegLib.cohort.group.exam_rows import Cell, format_tsv_line
from MSSoftSegLib.cohort.visits import VisitPair, pair_visits, read_compared
from MSSoftSegLib.library.layout import CaseId
from MSSoftSegLib.result_files import CHANGE_FILE

CHANGE_COLUMNS = (
    *("participant_id", "session_before", "session_after", "status", "problem"),
    *(change.value.replace(" ", "_") for change in ChangeClass),
    *("volume_before_ml", "volume_after_ml", "differs_besides"),
)


def format_change_lines(out: Path, cases: Iterable[CaseId]) -> Iterator[str]:
    """The table's lines, a head first; one that is not compared says why. Counts are of lesion groups."""
    yield format_tsv_line(CHANGE_COLUMNS)
    for pair in pair_visits(cases):
        values = _values(out, pair)
        yield format_tsv_line([values.get(name) for name in CHANGE_COLUMNS])


def _values(out: Path, pair: VisitPair) -> dict[str, Cell]:
    found = read_compared(out, pair)
    values: dict[str, Cell] = {
        "participant_id": f"sub-{pair.before.patient}",
        "session_before": f"ses-{pair.before.session}",
        "session_after": f"ses-{pair.after.session}",
        "status": "ok" if found.state == "kept" else found.state,
        "problem": found.problem or None,
    }
    if found.state != "kept":
        return values
    try:
        document = ChangeDocument.model_validate_json((pair.folder(out) / CHANGE_FILE).read_bytes())
    except (OSError, ValidationError):
        problem = f"{CHANGE_FILE} is missing or damaged: delete the folder {pair.folder(out).name} and run again"
        return {**values, "status": "damaged", "problem": problem}
    before, after = document.visits
    (compared,) = document.pairs
    counts = {change.value.replace(" ", "_"): compared.counts.get(change, 0) for change in ChangeClass}
    return {
        **values,
        **counts,
        "volume_before_ml": before.volume_ml,
        "volume_after_ml": after.volume_ml,
        "differs_besides": " ".join(finding.kind for finding in compared.findings) or None,
    }
