"""Many workers by dask.distributed: processes of this machine, or jobs of a queueing system through dask-jobqueue.

A worker segments one exam at a time and keeps its model. Exams are handed out a few ahead of the workers, never all at
once, so that the scheduler's memory does not grow with the cohort. An exam whose worker died goes to another one, at most three
times; since every exam is skipped where its result is complete, none is lost and none done twice.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from MSSoftSegLib.cohort.engine.capacity import Capacity
from MSSoftSegLib.cohort.engine.cluster_file import CLASSES, ClusterFile
from MSSoftSegLib.cohort.engine.kept_workers import replace_lost_workers
from MSSoftSegLib.cohort.exam_list import CohortExam
from MSSoftSegLib.cohort.one_exam import CohortRun, ExamOutcome, note_failure, process_exam
from MSSoftSegLib.errors import JobFailed, PackageMissing, RequestError

# Each worker offers one, each exam takes one.
SLOT = {"exam": 1}
# Handed out at a time for each worker: the one that it works on, and the next.
AHEAD = 2
MOST_WORKER_DEATHS = 3
SETTINGS = {
    "distributed.scheduler.allowed-failures": MOST_WORKER_DEATHS,
    # What workers hold for dask is a few hundred bytes; their memory is the exam's own.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.98,
    # A registration holds the interpreter for longer than dask thinks healthy.
    "distributed.admin.tick.limit": "1h",
    # A worker that is starting anew on a slow disk is not lost.
    "distributed.deploy.lost-worker-timeout": "60s",
    "distributed.comm.timeouts.connect": "60s",
    "distributed.comm.timeouts.tcp": "120s",
}


def run_on_workers(exams: Sequence[CohortExam], run: CohortRun, client: Any, *, workers: int) -> Iterator[ExamOutcome]:
    """How each exam ended, as they end."""
    from distributed import as_completed

    waiting = iter(exams)
    by_key: dict[str, CohortExam] = {}

    def submit(exam: CohortExam) -> Any:
        future = client.submit(process_exam, exam, run, resources=SLOT, pure=False)
        by_key[future.key] = exam
        return future

    running = as_completed([submit(exam) for exam in islice(waiting, AHEAD * workers)], loop=client.loop)
    for future in running:
        exam = by_key.pop(future.key)
        outcome = _outcome(future, exam, run)
        future.release()
        for following in islice(waiting, 1):
            running.add(submit(following))
        yield outcome


def _outcome(future: Any, exam: CohortExam, run: CohortRun) -> ExamOutcome:
    """What a worker answered; where none could, because each one died of it, that."""
    if future.status == "finished":
        outcome: ExamOutcome = future.result()
        return outcome
    from distributed.scheduler import KilledWorker

    problem = future.exception()
    name = "an interruption" if problem is None else f"an unexpected {type(problem).__name__}"
    if isinstance(problem, KilledWorker):
        error = JobFailed(
            f"{MOST_WORKER_DEATHS + 1} workers died while they segmented it",
            remedy="give workers more memory (fewer --workers), then run again",
        )
        return note_failure(exam, run, error, attempts=MOST_WORKER_DEATHS + 1)
    return note_failure(exam, run, JobFailed(f"{name} stopped it", remedy="run again"), attempts=1)


@contextmanager
def start_workers_here(capacity: Capacity) -> Iterator[Any]:
    """A client of worker processes on this machine; they end with the block."""
    dask, distributed = _packages()
    with dask.config.set(SETTINGS):
        with _children_ignore_interrupts():
            cluster = distributed.LocalCluster(
                n_workers=capacity.workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,
                memory_limit=capacity.memory_bytes,
                resources=SLOT,
                silence_logs=50,
            )
        with (
            cluster,
            distributed.Client(cluster, set_as_default=False) as client,
            replace_lost_workers(cluster, lambda: cluster.scale(capacity.workers)),
        ):
            yield client


@contextmanager
def _children_ignore_interrupts() -> Iterator[None]:
    """Ctrl-C reaches every process of a terminal: this one alone decides, and ends the workers in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def start_cluster_workers(file: ClusterFile) -> Iterator[Any]:
    """A client of workers that a queueing system starts; they end with the block."""
    dask, distributed = _packages()
    try:
        import dask_jobqueue
        from dask_jobqueue import local
    except ImportError:
        raise _missing("dask-jobqueue") from None
    kind = local.LocalCluster if file.kind == "local" else getattr(dask_jobqueue, CLASSES[file.kind])
    resources = ",".join(f"{name}={count}" for name, count in SLOT.items())
    extra = [*file.options.get("worker_extra_args", []), "--resources", resources]
    options = {**file.options, "worker_extra_args": extra}
    with dask.config.set(SETTINGS):
        try:
            cluster = kind(cores=file.cores, processes=1, memory=file.memory, **options)
        except (TypeError, ValueError) as problem:
            raise RequestError(
                f"dask-jobqueue does not take the cluster file: {problem}", remedy="correct its options"
            ) from None
        with cluster, distributed.Client(cluster, set_as_default=False) as client:
            cluster.scale(jobs=file.workers)
            with replace_lost_workers(cluster, lambda: cluster.scale(jobs=file.workers)):
                yield client


def _packages() -> tuple[Any, Any]:
    try:
        import dask
        import distributed
    except ImportError:
        raise _missing("dask.distributed") from None
    return dask, distributed


def _missing(package: str) -> PackageMissing:
    return PackageMissing(
        f"several workers need {package}", remedy="pip install 'mssoftseg[cohort]', or use --workers 1"
    )
