"""Write what a cohort comes to: tables of exams, lesions and changes, and a page, each whole or as it was before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from MSSoftSegLib.cohort.exam_list import CohortExam
from MSSoftSegLib.cohort.group.change_rows import format_change_lines
from MSSoftSegLib.cohort.group.exam_rows import (
    COLUMNS,
    Cell,
    ExamRow,
    format_tsv_line,
    read_exam_rows,
    read_lesion_lines,
)
from MSSoftSegLib.cohort.group.page import render_group_page
from MSSoftSegLib.cohort.group.suspicion import suspicions
from MSSoftSegLib.cohort.places import CHANGES_TABLE, EXAMS_TABLE, GROUP_PAGE, LESIONS_TABLE, write_whole
from MSSoftSegLib.errors import RequestError


def write_group(out: Path, expected: Sequence[CohortExam] = ()) -> tuple[ExamRow, ...]:
    """Tables and page from what lies in ``out``; RequestError where nothing does. expected: exams that ought to be there."""
    rows = read_exam_rows(out, expected)
    if all(row.folder is None for row in rows):
        raise RequestError(f"{out.name} holds no segmented exam", remedy="run the participant level first")
    found = suspicions(rows)
    lines = [format_tsv_line(COLUMNS)]
    for row in rows:
        doubt = found[str(row.case)]
        scored: dict[str, Cell] = (
            {"suspicion": doubt.score, "suspicion_reasons": " ".join(doubt.reasons)} if row.folder else {}
        )
        values: dict[str, Cell] = {"warning_texts": row.problem or None, **row.values, "status": row.status, **scored}
        lines.append(format_tsv_line([values.get(name) for name in COLUMNS]))
    write_whole(out / EXAMS_TABLE, "".join(lines))
    write_whole(out / LESIONS_TABLE, "".join(read_lesion_lines(rows)))
    head, *changes = format_change_lines(out, (row.case for row in rows))
    if changes:
        write_whole(out / CHANGES_TABLE, head + "".join(changes))
    write_whole(out / GROUP_PAGE, render_group_page(out, rows, found))
    return rows
