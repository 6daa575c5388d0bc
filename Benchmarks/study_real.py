"""What soft labels are worth on real patients: each soft recipe beside its binary self on the labelled exams of three centres.

    python Benchmarks/study_real.py --data DATA --folder FOLDER

DATA holds open_ms, catania and tabriz. FOLDER keeps the case library, the study and its models; a second call takes up what is
there. Writes real.md, real.csv and real.png to Benchmarks/results/study. Each exam has one rater's mask, so that nothing is
said of two raters' disagreement: the soft labels are made from the one mask, as each publication does.
"""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path

from MSSoftSegLib.jobs.run import parse_job, run
from MSSoftSegLib.library.case_change import CaseChange
from MSSoftSegLib.library.creation import create_library
from MSSoftSegLib.library.layout import CaseId
from MSSoftSegLib.library.reading import list_case_ids
from MSSoftSegLib.library.writing import add_case
from MSSoftSegLib.training.shipped.real_exams import RealExam, find_real_exams

RESULTS = Path(__file__).parent / "results" / "study"


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--side-by-side", type=int, default=1, help="trainings at a time")
    options = parser.parse_args(arguments)
    library, study = options.folder.absolute() / "library", options.folder.absolute() / "study"
    add_exams(library, find_real_exams(options.data))
    spec = {"out": str(study), "library": str(library), "size": "paired", "side_by_side": options.side_by_side}
    spec["resume"] = study.is_dir()
    outcome = run(parse_job({"job": "real", "kind": "study", "spec": spec}), print)
    if outcome.error is not None:
        raise SystemExit(str(outcome.error))
    RESULTS.mkdir(parents=True, exist_ok=True)
    for kind in ("md", "csv", "png"):
        shutil.copy(study / f"study.{kind}", RESULTS / f"real.{kind}")


def add_exams(library: Path, exams: list[RealExam]) -> None:
    """A case library of the exams, approved as their raters left them; what is there already is kept."""
    if not library.exists():
        create_library(library, name="Labelled exams of three centres")
    there = set(list_case_ids(library))
    for exam in exams:
        case = case_id(exam)
        if case in there:
            continue
        add_case(
            library,
            CaseChange(
                case,
                images=exam.case.images,
                raters=exam.case.raters,
                status="approved",
                preprocessed=exam.case.preprocessed,
            ),
        )


def case_id(exam: RealExam) -> CaseId:
    """The exam's name in a library, whose ids are letters and digits."""
    visit = re.search(r"-(visit\d+)$", exam.case.case)
    patient = re.sub(r"[^a-z0-9]", "", exam.patient)
    return CaseId(patient, visit.group(1) if visit else None)


if __name__ == "__main__":
    main()
