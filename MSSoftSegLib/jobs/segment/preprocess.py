"""The ``preprocess`` job: raw exam to working images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from MSSoftSegLib.jobs.documents.preprocess import PreprocessJob
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.jobs.segment.inputs import load_exam
from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.preprocessing.pipeline import STAGE_SECONDS, preprocess
from MSSoftSegLib.preprocessing.working_folder import write_working_folder
from MSSoftSegLib.result_folder import check_target, write_completely

# Shares of the whole, in seconds as measured on two cores.
SHARES = {
    "reading": 1.0,
    **STAGE_SECONDS,
    "writing": 2.0,
}


def run_preprocess(job: PreprocessJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the folder with the working images."""
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    check_target(spec.out, overwrite=spec.overwrite, inputs=[*spec.exam.paths, Path(spec.preprocessing.brain)])
    reporter.progress("reading", 0.0)
    exam = load_exam(spec.exam)
    cache = StepCache() if spec.use_cache else None
    working = preprocess(exam, spec.preprocessing, cache=cache, progress=reporter.progress, cancelled=cancelled)
    reporter.progress("writing", 0.0)
    with write_completely(spec.out, overwrite=spec.overwrite) as folder:
        write_working_folder(working, folder)
    reporter.progress("writing", 1.0)
    seconds = {stage.name: round(stage.seconds, 2) for stage in reporter.stage_times()}
    reporter.result(spec.out.name, {"modalities": [m.value for m in working.modalities], "seconds": seconds})
    return spec.out
