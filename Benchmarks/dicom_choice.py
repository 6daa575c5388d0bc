"""How often the series of a visit are chosen rightly, by dialect: small exams as the tests write them, in several makers' habits.

python Benchmarks/dicom_choice.py [--write]: the table on stdout, or in Benchmarks/results/dicom_choice.md.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from MSSoftSegLib.dicom.choice import choose
from MSSoftSegLib.dicom.visits import read_visits
from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.exam.modality import MODALITIES
from Testing.MSSoftSegLib.dicom.made_exams import DIALECTS, write_visit

RESULTS = Path(__file__).parent / "results" / "dicom_choice.md"
HEAD = """# Series chosen rightly

`python Benchmarks/dicom_choice.py --write`. Visits that `Testing/MSSoftSegLib/dicom/made_exams.py` writes: FLAIR, T1 and T2 among
what else a scanner stores (localizers, diffusion, T2*, angiograms, spine, reformats, contrast agent). Right: the series that
should play the part, or none where none should. **Made by the people who wrote the rules**: the rules hold; archives may differ.

| Dialect | Series | FLAIR | T1 | T2 | Others rightly left out |
|---|---|---|---|---|---|
"""


def judged(dialect: str) -> str:
    """A row of the table."""
    with tempfile.TemporaryDirectory() as place:
        expected = write_visit(Path(place), dialect)
        try:
            chosen = choose(read_visits(Path(place)), {}).chosen
        except MSSoftSegError as problem:
            return f"| {dialect} | {len(DIALECTS[dialect])} | {problem.code} | | | |\n"
    found = {modality.value: str(each.part.series.number) for modality, each in chosen.items()}
    right = ["1/1" if found.get(each) == expected.get(each) else "0/1" for each in MODALITIES]
    count = len(DIALECTS[dialect])
    others = count - len(expected)
    wrong = len(set(found.values()) - set(expected.values()))
    return f"| {dialect} | {count} | {' | '.join(right)} | {others - wrong}/{others} |\n"


def main() -> None:
    """Print or write the table."""
    logging.disable(logging.CRITICAL)
    table = HEAD + "".join(judged(dialect) for dialect in DIALECTS)
    if "--write" in sys.argv:
        RESULTS.write_text(table, encoding="utf-8")
    else:
        sys.stdout.write(table)


if __name__ == "__main__":
    main()
