"""Listing a library of 500 cases, against reading the same records as plain JSON.

Run from a checkout:  python Benchmarks/worklist.py
Writes Benchmarks/results/worklist.md. The library lies in a temporary folder; its cases are copies of one record with a long
history. Plain: json.loads of every record, nothing checked, nothing sorted.
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.case_change import CaseChange
from MSSoftSegLib.library.creation import create_library
from MSSoftSegLib.library.layout import CaseId, resolve_inside
from MSSoftSegLib.library.status import set_status
from MSSoftSegLib.library.worklist import make_row, read_all, sort_rows
from MSSoftSegLib.library.writing import add_case

CASES, CHANGES, REPEATS = 500, 40, 5
RESULT = Path(__file__).parent / "results" / "worklist.md"


def library_in(folder: Path) -> list[Path]:
    """A library of ``CASES`` cases; returns the records."""
    library = create_library(folder)
    image = sitk.GetImageFromArray(np.arange(120, dtype=np.float32).reshape(4, 5, 6))
    add_case(library, CaseChange(CaseId("p0", "1"), images={Modality.FLAIR: image}, raters={"A": image > 60}))
    for change in range(CHANGES):
        set_status(library, CaseId("p0", "1"), ("corrected", "approved")[change % 2])
    first = resolve_inside(library, CaseId("p0", "1").record)
    records = [first]
    for number in range(1, CASES):
        path = resolve_inside(library, CaseId(f"p{number}", "1").record)
        path.parent.mkdir(parents=True)
        text = first.read_text(encoding="utf-8").replace("sub-p0", f"sub-p{number}").replace('"p0"', f'"p{number}"')
        path.write_text(text, encoding="utf-8")
        records.append(path)
    return records


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Median of the clock and of processor time, after one run that fills the disk's cache."""
    work()
    spent = []
    for _ in range(REPEATS):
        clock, processor = time.perf_counter(), time.process_time()
        work()
        spent.append((time.perf_counter() - clock, time.process_time() - processor))
    return tuple(np.median(spent, axis=0))


def main() -> None:
    """Measure, write the table, print it."""
    with tempfile.TemporaryDirectory() as scratch:
        library = Path(scratch) / "library"
        records = library_in(library)
        ours = seconds(lambda: [make_row(record) for record in sort_rows(read_all(library)[0], "uncertainty")])
        plain = seconds(lambda: [json.loads(record.read_bytes()) for record in records])
    lines = [
        "# Worklist",
        "",
        f"{CASES} cases with {CHANGES} changes of status each, local disk, {platform.processor() or platform.machine()}, "
        f"Python {platform.python_version()}. Median of {REPEATS} runs.",
        "",
        "| | seconds | processor seconds | times plain |",
        "|---|---|---|---|",
        f"| `library list` (found, read, checked, sorted) | {ours[0]:.2f} | {ours[1]:.2f} | {ours[1] / plain[1]:.1f} |",
        f"| plain JSON | {plain[0]:.2f} | {plain[1]:.2f} | 1 |",
    ]
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
