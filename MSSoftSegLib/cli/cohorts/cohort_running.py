"""What ``mssoftseg cohort`` and ``mssoftseg-bids`` share: engines chosen, progress shown, the outcome in words and exit code."""

from __future__ import annotations

import importlib.util
import re
import uuid
from collections.abc import Sequence
from pathlib import Path

from MSSoftSegLib.cli.display import say_error, show_events
from MSSoftSegLib.cli.job_commands import watch_for_interrupt
from MSSoftSegLib.cohort.engine.capacity import Capacity, capacity_here
from MSSoftSegLib.cohort.engine.cluster_file import ClusterFile, read_cluster_file
from MSSoftSegLib.cohort.exam_list import CohortExam
from MSSoftSegLib.cohort.one_exam import CohortRun
from MSSoftSegLib.cohort.places import write_frame
from MSSoftSegLib.cohort.segment_cohort import CohortOutcome, segment_cohort
from MSSoftSegLib.cohort.segmentation import segment_into
from MSSoftSegLib.cohort.settings import CohortSettings
from MSSoftSegLib.cohort.visits import compare_neighbors
from MSSoftSegLib.errors import JobCancelled, JobFailed, MSSoftSegError, OutputExists, RequestError
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.jobs.run import make_failed_event
from MSSoftSegLib.network.bundle import verify
from MSSoftSegLib.network.catalog import find_bundle

MOST_NAMED = 10


def segment_all(
    exams: Sequence[CohortExam],
    out: Path,
    settings: CohortSettings,
    *,
    raw: Path | None = None,
    workers: int | None = None,
    cluster: Path | None = None,
    json_events: bool = False,
    debug: bool = False,
) -> CohortOutcome:
    """Segment the exams, showing how far it is. What is wrong with the request as a whole is raised before any work."""
    check_out(out, raw)
    verify(find_bundle(settings.model))
    described = None if cluster is None else read_cluster_file(cluster)
    capacity = None if described is not None else _capacity(workers, settings.device, len(exams))
    threads = described.cores if described is not None else capacity.threads if capacity is not None else None
    run = CohortRun(out, settings.model_copy(update={"threads": threads}), segment_into, debug)
    write_frame(out, raw=raw)
    name = uuid.uuid4().hex[:12]
    with show_events(json_events=json_events) as emit, watch_for_interrupt() as interrupted:
        reporter = Reporter(name, {"exams": 1.0}, emit, interrupted)
        reporter.started("cohort")
        try:
            return _segment(exams, run, capacity, described, reporter)
        except (JobCancelled, KeyboardInterrupt):
            emit({"event": "cancelled", "job": name})
            raise JobCancelled("exams that are complete stay; the same command goes on with the others") from None
        except MSSoftSegError as problem:
            emit(make_failed_event(name, problem))
            raise


def _segment(
    exams: Sequence[CohortExam],
    run: CohortRun,
    capacity: Capacity | None,
    cluster: ClusterFile | None,
    reporter: Reporter,
) -> CohortOutcome:
    def tell(fraction: float, words: str) -> None:
        if words:
            _log(reporter.emit, reporter.job, "warning" if " failed," in words else "info", words)
        reporter.progress("exams", fraction, words)

    outcome = segment_cohort(exams, run, capacity=capacity, cluster=cluster, progress=tell)
    summary = {"done": outcome.done, "kept": outcome.kept, "failed": [name for name, _ in outcome.failures]}
    reporter.result(run.out.name, summary)
    return outcome


def compare_visits_of(asked: Sequence[CohortExam], exams: Sequence[CohortExam], out: Path) -> None:
    """Compare each visit that was asked for with the one before, and say what came of each pair that was not compared before."""
    for found in compare_neighbors(out, [exam.case for exam in exams], {exam.case for exam in asked}):
        if found.state == "done":
            say_error(f"{found.pair} compared")
        elif found.state != "kept":
            say_error(f"{found.pair} not compared: {found.problem}")


def raise_failures(outcome: CohortOutcome, total: int) -> None:
    """JobFailed where some exams have no result, by name."""
    if not outcome.failures:
        return
    names = [name for name, _ in outcome.failures]
    listed = ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if names[MOST_NAMED:] else "")
    raise JobFailed(
        f"{len(names)} of {total} exams have no result ({listed}); the others are complete",
        remedy="see each reason above; running again tries only these",
    )


def parse_part(text: str) -> tuple[int, int]:
    """``3/20`` as numbers."""
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or int(found[2]) == 0:
        raise RequestError(f"--part {text!r} is not a part of a whole", remedy="write it as 3/20")
    return int(found[1]), int(found[2])


def check_out(out: Path, raw: Path | None) -> None:
    """Refuse an output folder that is a file, the data set itself, or full of something else."""
    if out.exists() and not out.is_dir():
        raise OutputExists(f"{out.name} is a file, not a folder", remedy="choose another output folder")
    if raw is not None and out.resolve() == raw.resolve():
        raise RequestError("the output folder is the data set itself", remedy="choose another output folder")
    description = out / "dataset_description.json"
    if out.is_dir() and any(out.iterdir()) and not description.is_file():
        raise OutputExists(
            f"{out.name} holds something else than results of a cohort", remedy="choose an empty output folder"
        )
    if description.is_file() and '"derivative"' not in description.read_text(encoding="utf-8", errors="replace"):
        raise OutputExists(f"{out.name} is a data set of raw images", remedy="choose another output folder")


def _capacity(workers: int | None, device: str, exams: int) -> Capacity | None:
    """Workers of this machine; None: this process alone. Several share one graphics card only where somebody asked for it."""
    if workers is None and _is_accelerator(device):
        return None
    capacity = capacity_here(wanted=workers)
    if capacity.workers > exams:
        capacity = capacity_here(wanted=max(1, exams))
    if capacity.workers > 1 and workers is None and importlib.util.find_spec("distributed") is None:
        say_error("one exam after the other: for several at once, pip install 'mssoftseg[cohort]'")
        return None
    return capacity if capacity.workers > 1 else None


def _is_accelerator(device: str) -> bool:
    if device != "auto":
        return device != "cpu"
    from MSSoftSegLib.inference.device import choose_device

    return str(choose_device("auto")).split(" ")[0] != "cpu"


def _log(emit: Emit, job: str, level: str, words: str) -> None:
    emit({"event": "log", "job": job, "level": level, "message": words})
