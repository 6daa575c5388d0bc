"""``group_report.html``: how the cohort is distributed, and every exam in the order in which to look at it.

Thumbnails are linked, not included: the page of ten thousand exams opens as quickly as that of ten.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from MSSoftSegLib.cohort.group.charts import draw_distributions
from MSSoftSegLib.cohort.group.exam_rows import ExamRow
from MSSoftSegLib.cohort.group.suspicion import Suspicion, sort_by_suspicion
from MSSoftSegLib.cohort.places import RESULT_FOLDER, THUMBNAIL_FILE
from MSSoftSegLib.report import html
from MSSoftSegLib.result_files import REPORT_FILE
from MSSoftSegLib.version import VERSION

TEMPLATE = "group.html.jinja"
FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class ContactPrint:
    """One exam of the contact sheet. report, thumbnail: addresses relative to the page, empty where there is none."""

    row: ExamRow
    suspicion: Suspicion
    report: str
    thumbnail: str


def render_group_page(out: Path, rows: Sequence[ExamRow], found: Mapping[str, Suspicion]) -> str:
    """The page as HTML text."""
    prints = [_print(out, row, found[str(row.case)]) for row in sort_by_suspicion(rows, found)]
    models = sorted({f"{row.values['model']} {row.values['model_version']}" for row in rows if row.folder is not None})
    return (
        html.make_page_environment(FOLDER)
        .get_template(TEMPLATE)
        .render(
            prints=prints,
            complete=sum(row.folder is not None for row in rows),
            without=[row for row in rows if row.folder is None],
            doubted=sum(each.suspicion.score > 0 for each in prints if each.row.folder is not None),
            participants=len({row.case.patient for row in rows}),
            charts=[html.encode_data_uri(png) for png in draw_distributions(rows).values()],
            models=models,
            version=VERSION,
        )
    )


def _print(out: Path, row: ExamRow, suspicion: Suspicion) -> ContactPrint:
    if row.folder is None:
        return ContactPrint(row, suspicion, "", "")
    folder = Path(os.path.relpath(row.folder, out)).as_posix()
    return ContactPrint(row, suspicion, f"{folder}/{RESULT_FOLDER}/{REPORT_FILE}", f"{folder}/{THUMBNAIL_FILE}")
