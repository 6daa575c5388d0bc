"""The table of ``evaluate --table``: one row a case, paths relative to the table itself."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.plain_text import decode_text

FILE_COLUMNS = ("prediction", "probability", "entropy", "brain")
TRUTH_COLUMN = re.compile(r"truth([2-9]|[1-9][0-9])?")
REMEDY = "the columns are case, patient, truth, truth2 …, prediction, probability, entropy, brain"


@dataclass(frozen=True)
class GivenCase:
    """What is compared in one case: the truth of each rater in order, and what a method said; see EvaluateSpec."""

    case: str
    patient: str
    truth: tuple[Path, ...]
    prediction: Path | None = None
    probability: Path | None = None
    entropy: Path | None = None
    brain: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file that is read."""
        others = (self.prediction, self.probability, self.entropy, self.brain)
        return (*self.truth, *(path for path in others if path is not None))


def read_table(path: Path) -> tuple[GivenCase, ...]:
    """The cases of a table (UTF-8; comma, semicolon or tab); RequestError names the row, the column and the file.

    Every file is looked for before anything is computed. patient may be left out: a case is then a patient of its own.
    """
    rows = _rows(path)
    if not rows:
        raise RequestError(f"{path.name} holds no case", remedy=REMEDY)
    cases = [_case(path, number, row) for number, row in rows]
    seen: set[str] = set()
    for case in cases:
        if case.case in seen:
            raise RequestError(
                f"{path.name}: the case {case.case} is there twice", remedy="give each case its own name"
            )
        seen.add(case.case)
    return tuple(cases)


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Number of the line and values by column, blank rows left out."""
    try:
        text = decode_text(path.read_bytes())
    except (OSError, UnicodeDecodeError):
        raise RequestError(f"{path.name} cannot be read as a table", remedy="give a CSV file in UTF-8") from None
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    lines = list(csv.reader(text.splitlines(), delimiter=delimiter))
    columns = [name.strip() for name in lines[0]] if lines else []
    _check_columns(path, columns)
    rows = []
    for number, values in enumerate(lines[1:], start=2):
        if not any(value.strip() for value in values):
            continue
        if len(values) > len(columns):
            raise RequestError(f"{path.name}, line {number}: more values than columns", remedy=REMEDY)
        rows.append((number, {name: value.strip() for name, value in zip(columns, values, strict=False)}))
    return rows


def _check_columns(path: Path, columns: list[str]) -> None:
    for column in columns:
        if column not in ("case", "patient", *FILE_COLUMNS) and not TRUTH_COLUMN.fullmatch(column):
            raise RequestError(f"{path.name} has an unknown column {column!r}", remedy=REMEDY)
        if columns.count(column) > 1:
            raise RequestError(f"{path.name} has the column {column!r} twice", remedy=REMEDY)
    for column in ("case", "truth"):
        if column not in columns:
            raise RequestError(f"{path.name} has no column {column!r}", remedy=REMEDY)
    if not {"prediction", "probability"} & set(columns):
        raise RequestError(f"{path.name} has neither a column 'prediction' nor 'probability'", remedy=REMEDY)


def _case(table: Path, number: int, row: Mapping[str, str]) -> GivenCase:
    case = row.get("case", "")
    if not case:
        raise RequestError(f"{table.name}, line {number}: the case has no name", remedy="fill in the column 'case'")

    def file_of(column: str) -> Path | None:
        if not row.get(column):
            return None
        path = table.parent / row[column]
        if not path.is_file():
            raise RequestError(
                f"{table.name}, case {case}: the {column} file {path.name} does not exist",
                remedy=f"paths are relative to {table.name}",
            )
        return path

    truth_columns = sorted((c for c in row if TRUTH_COLUMN.fullmatch(c)), key=lambda c: int(c[len("truth") :] or 1))
    truth = tuple(path for column in truth_columns if (path := file_of(column)) is not None)
    others = {column: file_of(column) for column in FILE_COLUMNS}
    if not row.get("truth"):
        raise RequestError(f"{table.name}, case {case}: there is no truth", remedy="fill in the column 'truth'")
    if others["prediction"] is None and others["probability"] is None:
        raise RequestError(
            f"{table.name}, case {case}: there is nothing to evaluate",
            remedy="fill in the column 'prediction' or 'probability'",
        )
    return GivenCase(case, row.get("patient") or case, truth, **others)
