"""Exams listed in a CSV file: ``participant``, ``session``, and ``exam`` (a folder) or ``flair``, ``t1``, ``t2``, ``pd``."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping
from pathlib import Path

from MSSoftSegLib.cohort.exam_list import CohortExam, sort_exams
from MSSoftSegLib.errors import BadExam, RequestError
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.plain_text import decode_text
from MSSoftSegLib.library.layout import CaseId

LOGGER = logging.getLogger(__name__)
PLACES = ("exam", *(modality.value for modality in Modality))
COLUMNS = ("participant", "session", *PLACES)
_EXAMPLE = "see Docs/cohorts.md section 2 for an example"


def read_exam_table(path: Path) -> tuple[CohortExam, ...]:
    """The exams of a table; relative paths are relative to it. RequestError where the table as a whole cannot be read.

    A row whose files are not there is an exam with a problem. Extra columns are an error: they are mostly misspelled ones.
    """
    try:
        text = decode_text(path.read_bytes())
    except (OSError, UnicodeDecodeError):
        raise RequestError(f"{path.name} cannot be read as a table", remedy="save it as CSV in UTF-8") from None
    lines = text.splitlines()
    separator = max(",;\t", key=lambda sign: lines[0].count(sign)) if lines else ","
    reader = csv.DictReader(lines, delimiter=separator)
    columns = [(name or "").strip().casefold() for name in reader.fieldnames or ()]
    reader.fieldnames = columns
    if "participant" not in columns or not set(columns) & {"exam", "flair"}:
        raise RequestError(f"{path.name} lacks the column participant, or exam or flair", remedy=_EXAMPLE)
    if unknown := [name for name in columns if name not in COLUMNS]:
        raise RequestError(
            f"{path.name} has a column {unknown[0]!r}", remedy=f"columns are {', '.join(COLUMNS)}; {_EXAMPLE}"
        )
    rows = [(f"{path.name}, line {reader.line_num}", row) for row in reader if any((row or {}).values())]
    if not rows:
        raise RequestError(f"{path.name} lists no exam", remedy=_EXAMPLE)
    for where, row in rows:
        if row.get(None):
            raise RequestError(f"{where}: more values than columns", remedy=_EXAMPLE)
    exams = [_exam(row, path.parent, where) for where, row in rows]
    owner: dict[Path, str] = {}
    for (where, _), exam in zip(rows, exams, strict=True):
        place = exam.folder or dict(exam.files).get(Modality.FLAIR)
        first = str(exam) if place is None else owner.setdefault(place.resolve(), str(exam))
        if first != str(exam):
            LOGGER.warning("%s: %s has the images of %s", where, exam, first)
    return sort_exams(exams)


def _exam(row: Mapping[str, str | None], beside: Path, where: str) -> CohortExam:
    given = {name: (row.get(name) or "").strip() for name in COLUMNS}
    try:
        case = CaseId(given["participant"].removeprefix("sub-"), given["session"].removeprefix("ses-") or None)
    except RequestError as problem:
        raise RequestError(f"{where}: {problem.message}", remedy=problem.remedy) from None
    folder = beside / given["exam"] if given["exam"] else None
    files = tuple((modality, beside / given[modality.value]) for modality in Modality if given[modality.value])
    return CohortExam(case, folder=folder, files=files, problem=_problem(folder, dict(files), where))


def _problem(folder: Path | None, files: Mapping[Modality, Path], where: str) -> BadExam | None:
    if folder is not None and files:
        return BadExam(f"{where}: gives both a folder and files", remedy="leave one of them empty")
    if folder is None and Modality.FLAIR not in files:
        return BadExam(f"{where}: gives no FLAIR image", remedy="fill in exam or flair")
    if folder is not None and not folder.is_dir():
        return BadExam(f"{where}: there is no folder {folder.name}", remedy="correct the path")
    missing = [path.name for path in files.values() if not path.is_file()]
    return BadExam(f"{where}: there is no file {missing[0]}", remedy="correct the path") if missing else None
