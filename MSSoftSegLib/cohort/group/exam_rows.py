"""One row an exam: everything its result says that can be compared across a cohort."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from MSSoftSegLib.cohort.exam_list import CohortExam
from MSSoftSegLib.cohort.places import RESULT_FOLDER, find_exam_records
from MSSoftSegLib.cohort.record import ExamFailure, ExamRecord, read_failures, read_record
from MSSoftSegLib.library.layout import CaseId
from MSSoftSegLib.region.regions import Place
from MSSoftSegLib.report.lesion_table import COLUMNS as LESION_COLUMNS
from MSSoftSegLib.report.result import Result
from MSSoftSegLib.result_files import FACTS_FILE, LESIONS_FILE

# What is measured of an exam, and compared across the cohort.
MEASURES = ("lesions", "volume_ml", "mean_entropy_nats", "psu")
COLUMNS = (
    *("participant_id", "session_id", "status", "lesions", "volume_ml", "volume_low_ml", "volume_high_ml"),
    *("soft_volume_ml", "mean_entropy_nats", "psu", "warnings", "warning_texts", "suspicion", "suspicion_reasons"),
    *("modalities", "reference", "brain_extraction", "threshold", "min_lesion_mm3", "tta", "device"),
    *("model", "model_version", "model_sha256", "software_version", "torch_version", "seconds", "peak_memory_mb"),
    *(f"volume_ml_{place.value}" for place in Place),
    *("regions_problem", "fingerprint"),
)
NOT_AVAILABLE = "n/a"
Cell = str | int | float | None


@dataclass(frozen=True)
class ExamRow:
    """One exam of the table. folder: of its derivatives, None where it has none. values: by column, None where undefined.

    warnings: sentences of the quality checks. problem: why there is no result.
    """

    case: CaseId
    status: str
    folder: Path | None
    values: dict[str, Cell]
    warnings: tuple[str, ...] = ()
    problem: str = ""

    def measure(self, name: str) -> float | None:
        """One of MEASURES."""
        value = self.values.get(name)
        return None if value is None else float(value)


def read_exam_rows(out: Path, expected: Iterable[CohortExam] = ()) -> tuple[ExamRow, ...]:
    """Every exam with a result, every one that failed, and those expected that have neither, in order of name."""
    rows: dict[str, ExamRow] = {}
    for path in find_exam_records(out):
        record = read_record(path)
        row = None if record is None else _row(path.parent, record)
        if row is not None:
            rows[str(row.case)] = row
    for failure in read_failures(out):
        case = CaseId(failure.participant, failure.session)
        # An older result stays in its place, but it is not one of what the exam is now.
        rows[str(case)] = _failed(case, failure)
    for exam in expected:
        rows.setdefault(str(exam), ExamRow(exam.case, "missing", None, _ids(exam.case), problem="not segmented yet"))
    return tuple(rows[name] for name in sorted(rows))


def _row(folder: Path, record: ExamRecord) -> ExamRow | None:
    case = CaseId(record.participant, record.session)
    try:
        facts = Result.model_validate_json((folder / RESULT_FOLDER / FACTS_FILE).read_bytes())
    except (OSError, ValidationError):
        problem = f"{RESULT_FOLDER}/{FACTS_FILE} is missing or damaged: delete the exam's folder and run again"
        return ExamRow(case, "damaged", None, _ids(case), problem=problem)
    low, high = facts.lesions.volume_interval_ml
    values: dict[str, Cell] = {
        **_ids(case),
        "lesions": facts.lesions.count,
        "volume_ml": facts.lesions.volume_ml,
        "volume_low_ml": low,
        "volume_high_ml": high,
        "soft_volume_ml": facts.lesions.soft_volume_ml,
        "mean_entropy_nats": facts.uncertainty.mean_entropy_in_lesions,
        "psu": facts.uncertainty.psu,
        "warnings": len(facts.warnings),
        "warning_texts": " ".join(facts.warnings) or None,
        "modalities": "+".join(entry.modality for entry in facts.inputs),
        "reference": facts.reference_modality,
        "brain_extraction": facts.brain_extraction,
        "threshold": facts.threshold,
        "min_lesion_mm3": facts.min_lesion_mm3,
        "tta": facts.tta,
        "device": facts.device,
        "model": facts.model.name,
        "model_version": facts.model.version,
        "model_sha256": facts.model.sha256,
        "software_version": facts.software.version,
        "torch_version": facts.software.torch,
        "seconds": record.seconds,
        "peak_memory_mb": facts.peak_memory_mb,
        "regions_problem": facts.regions_problem,
        "fingerprint": record.fingerprint,
    }
    if facts.regions is not None:
        values |= {f"volume_ml_{place.value}": ml for place, ml in facts.regions.volume_ml_by_place.items()}
    return ExamRow(case, "ok", folder, values, facts.warnings)


def _failed(case: CaseId, failure: ExamFailure) -> ExamRow:
    return ExamRow(case, "failed", None, _ids(case), problem=f"{failure.message} — {failure.remedy}")


def _ids(case: CaseId) -> dict[str, Cell]:
    session = None if case.session is None else f"ses-{case.session}"
    return {"participant_id": f"sub-{case.patient}", "session_id": session}


def format_tsv_line(cells: Sequence[Cell]) -> str:
    """A row of a table as BIDS has it: tabs between, ``n/a`` for what is undefined; numbers read back unchanged."""
    texts = (NOT_AVAILABLE if cell is None or cell == "" else str(cell) for cell in cells)
    return "\t".join(" ".join(text.split()) for text in texts) + "\n"


def read_lesion_lines(rows: Iterable[ExamRow]) -> Iterator[str]:
    """The lesions of all exams, line by line with the heading, their cells as they stand in each ``lesions.csv``."""
    yield format_tsv_line(("participant_id", "session_id", *LESION_COLUMNS))
    for row in rows:
        if row.folder is None:
            continue
        ids = (row.values["participant_id"], row.values["session_id"])
        with (row.folder / RESULT_FOLDER / LESIONS_FILE).open(encoding="utf-8", newline="") as file:
            for lesion in csv.DictReader(file):
                yield format_tsv_line((*ids, *(lesion.get(name) for name in LESION_COLUMNS)))
