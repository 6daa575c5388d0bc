"""Whether an exam of a cohort has what a single ``mssoftseg segment`` gives it: images, tables and numbers, bit for bit.

    python Benchmarks/cohort/compare_single.py COHORT sub-01[/ses-1] RESULT

COHORT is the output folder of ``mssoftseg-bids``, after ``group``; RESULT the folder of the single run. Time and memory are left
out. Prints a table row; exit code 1 where something differs.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any

from MSSoftSegLib.cohort.places import RESULT_FOLDER
from MSSoftSegLib.result_files import FACTS_FILE, LESIONS_FILE

MEASURED_ANEW = ("stages", "peak_memory_mb")
OF_RESULT = {"lesions": "count", "volume_ml": "volume_ml", "soft_volume_ml": "soft_volume_ml"}


def facts_of(result: Path) -> dict[str, Any]:
    """result.json without what differs from run to run."""
    facts: dict[str, Any] = json.loads((result / FACTS_FILE).read_text(encoding="utf-8"))
    return {name: value for name, value in facts.items() if name not in MEASURED_ANEW}


def differences(cohort: Path, exam: str, single: Path) -> tuple[int, list[str]]:
    """How many files are the same, and what is not."""
    ours = cohort / exam / RESULT_FOLDER
    images = sorted(
        path.relative_to(single) for path in single.rglob("*.nii.gz") if (ours / path.relative_to(single)).exists()
    )
    same = [*images, Path(LESIONS_FILE)]
    wrong = [str(name) for name in same if (ours / name).read_bytes() != (single / name).read_bytes()]
    if facts_of(ours) != facts_of(single):
        wrong.append(FACTS_FILE)
    wrong += _tables(cohort, exam, single)
    return len(same) + 1, wrong


def _tables(cohort: Path, exam: str, single: Path) -> list[str]:
    """Group tables against the single run."""
    participant, _, session = exam.partition("/")
    mine = {"participant_id": participant, "session_id": session or "n/a"}
    (row,) = [row for row in _rows(cohort / "group_exams.tsv", "\t") if mine.items() <= row.items()]
    lesions = facts_of(single)["lesions"]
    wrong = [f"group_exams.tsv: {name}" for name, key in OF_RESULT.items() if float(row[name]) != lesions[key]]
    in_group = [row for row in _rows(cohort / "group_lesions.tsv", "\t") if mine.items() <= row.items()]
    alone = _rows(single / LESIONS_FILE, ",")
    told = [{name: value for name, value in row.items() if name not in mine} for row in in_group]
    if told != [{name: value or "n/a" for name, value in row.items()} for row in alone]:
        wrong.append("group_lesions.tsv")
    return wrong


def _rows(path: Path, delimiter: str) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cohort", type=Path)
    parser.add_argument("exam")
    parser.add_argument("result", type=Path)
    given = parser.parse_args()
    count, wrong = differences(given.cohort, given.exam, given.result)
    sys.stdout.write(f"| {given.exam} | {count} files and both tables | {', '.join(wrong) or 'none'} |\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
