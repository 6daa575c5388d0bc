"""The ``study`` job: trains every recipe on the same folds and says what holds of the publications' claims.

Its folder grows: a finished trial is kept whatever happens to the next, and ``resume`` goes on from there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from MSSoftSegLib.errors import OutputExists, RequestError
from MSSoftSegLib.evaluation.volume import volume_ml
from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.image_file import read_image
from MSSoftSegLib.exam.label_values import LESION
from MSSoftSegLib.jobs.detached.one_writer import hold_output
from MSSoftSegLib.jobs.documents.study import StudyJob, StudySpec
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.library.reading import read_labeled_cases
from MSSoftSegLib.result_folder import remove_abandoned
from MSSoftSegLib.study.claims import judge
from MSSoftSegLib.study.cohort import split, write_digital_library
from MSSoftSegLib.study.figure import draw_study
from MSSoftSegLib.study.plan import OWN_LIBRARY, PLAN_FILE, StudyPlan, read_plan, write_plan
from MSSoftSegLib.study.results import Results, read_results
from MSSoftSegLib.study.running import check_any_finished, run_trials
from MSSoftSegLib.study.size import SIZES
from MSSoftSegLib.study.table import render_csv, render_markdown
from MSSoftSegLib.training.engine.checkpoint import write_whole

LOGGER = logging.getLogger(__name__)
SHARES = {"patients": 5.0, "trials": 94.0, "table": 1.0}
TABLE, FIGURE, CASES = "study.md", "study.png", "study.csv"


def run_study(job: StudyJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the study's folder, to which no other long job writes meanwhile."""
    with hold_output(job.spec.out) as taken:
        return _study(job, emit, lambda: taken.is_set() or cancelled())


def _study(job: StudyJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    plan = _open_study(spec, reporter)
    failed = run_trials(
        spec.out.absolute(),
        plan,
        side_by_side=spec.side_by_side,
        progress=lambda fraction, message: reporter.progress("trials", fraction, message),
        cancelled=cancelled,
    )
    check_any_finished(spec.out, plan, failed)
    reporter.progress("table", 0.0)
    results = read_results(spec.out, plan)
    verdicts = write_tables(spec.out, results)
    reporter.progress("table", 1.0)
    reporter.result(
        spec.out.name,
        {"models": len(results.models), "failed": [trial.name for trial in failed], "claims": verdicts},
    )
    return spec.out


def write_tables(study: Path, results: Results) -> dict[str, str]:
    """Write table, figure and cases of what is finished; the verdict on each claim."""
    verdicts = judge(results)
    write_whole(study / TABLE, render_markdown(results, verdicts).encode())
    write_whole(study / CASES, render_csv(results).encode())
    write_whole(study / FIGURE, draw_study(results))
    return {f"C{verdict.number}": verdict.verdict for verdict in verdicts}


def _open_study(spec: StudySpec, reporter: Reporter) -> StudyPlan:
    """The plan: of the study that is resumed, or a new one with its patients."""
    out = spec.out
    if (out / PLAN_FILE).is_file():
        if not spec.resume:
            raise OutputExists(
                f"{out.name} holds a study already", remedy="add --resume to go on, or choose another --out"
            )
        plan = read_plan(out, spec.library)
        if plan.size.name != spec.size:
            raise RequestError(
                f"{out.name} holds a study of the size {plan.size.name}", remedy=f"repeat --size {plan.size.name}"
            )
        return plan
    if out.is_dir():
        remove_abandoned(out / PLAN_FILE)
    if out.exists() and (not out.is_dir() or any(path.name != OWN_LIBRARY for path in out.iterdir())):
        raise OutputExists(f"{out.name} is not empty", remedy="choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    size = SIZES[spec.size]
    if spec.library is None:
        write_digital_library(
            out / OWN_LIBRARY,
            patients=size.patients,
            unlabeled=size.unlabeled,
            spacing_mm=size.patient_spacing_mm,
            progress=lambda fraction: reporter.progress("patients", fraction),
        )
    loads = _loads_ml(spec.library or out / OWN_LIBRARY)
    if len(loads) < size.folds:
        raise RequestError(
            f"{len(loads)} patients with a rater's mask are too few for {size.folds} folds",
            remedy="approve more cases, or run a smaller size",
        )
    plan = StudyPlan(size, spec.library, tuple(frozenset(fold) for fold in split(loads, size.folds)))
    write_plan(out, plan)
    return plan


def _loads_ml(library: Path) -> dict[str, float]:
    """Lesion volume of each patient's approved cases by the first rater: what folds are balanced by."""
    loads: dict[str, float] = {}
    for case in read_labeled_cases(library, statuses=("approved",)):
        if case.raters:
            mask = read_image(case.raters[min(case.raters)])
            volume = volume_ml(voxels(mask) == LESION, spacing_mm=mask.GetSpacing())
            loads[case.patient] = loads.get(case.patient, 0.0) + volume
    return loads
