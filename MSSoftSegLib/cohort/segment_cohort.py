"""Segment the exams of a cohort: whichever engine, the same exams, the same files, the same words about how far it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from MSSoftSegLib.cohort.engine.capacity import Capacity
from MSSoftSegLib.cohort.engine.cluster_file import ClusterFile
from MSSoftSegLib.cohort.engine.one_after_other import run_one_after_other
from MSSoftSegLib.cohort.exam_list import CohortExam
from MSSoftSegLib.cohort.one_exam import CohortRun, ExamOutcome

# Told how much is done, 0–1, and of what.
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class CohortOutcome:
    """How many exams were segmented now and kept as they were, and the names of those that failed, with why."""

    done: int
    kept: int
    failures: tuple[tuple[str, str], ...]


def segment_cohort(
    exams: Sequence[CohortExam],
    run: CohortRun,
    *,
    capacity: Capacity | None = None,
    cluster: ClusterFile | None = None,
    progress: Progress = lambda fraction, words: None,
) -> CohortOutcome:
    """Process every exam; one that fails stops no other. capacity: workers of this machine; cluster: of a queueing system.

    Without either, or with one worker, all happens in this process. What progress raises, and Ctrl-C, ends the run; what is
    complete by then stays.
    """
    counts: Counter[str] = Counter()
    failures: list[tuple[str, str]] = []
    workers = cluster.workers if cluster is not None else capacity.workers if capacity is not None else 1
    clock = _TimeLeft(len(exams), workers)
    progress(0.0, "")
    for outcome in _outcomes(exams, run, capacity, cluster):
        counts[outcome.state] += 1
        clock.count(outcome)
        if outcome.state == "failed":
            failures.append((outcome.name, outcome.problem))
        done = sum(counts.values())
        words = f"{outcome.name} {outcome.state}, {done} of {len(exams)}{clock.in_words()}"
        progress(done / len(exams), f"{words}: {outcome.problem}" if outcome.problem else words)
    return CohortOutcome(counts["done"], counts["kept"], tuple(sorted(failures)))


def _outcomes(
    exams: Sequence[CohortExam], run: CohortRun, capacity: Capacity | None, cluster: ClusterFile | None
) -> Iterator[ExamOutcome]:
    if cluster is None and (capacity is None or capacity.workers == 1):
        yield from run_one_after_other(exams, run)
        return
    from MSSoftSegLib.cohort.engine.dask_engine import run_on_workers, start_cluster_workers, start_workers_here

    if cluster is not None:
        with start_cluster_workers(cluster) as client:
            yield from run_on_workers(exams, run, client, workers=cluster.workers)
    elif capacity is not None:
        with start_workers_here(capacity) as client:
            yield from run_on_workers(exams, run, client, workers=capacity.workers)


class _TimeLeft:
    """Time left by what exams took that were really computed: those that were kept take none."""

    def __init__(self, total: int, workers: int) -> None:
        self.total, self.workers = total, workers
        self.seen, self.computed, self.seconds = 0, 0, 0.0

    def count(self, outcome: ExamOutcome) -> None:
        """One more exam has ended."""
        self.seen += 1
        if outcome.state != "kept":
            self.computed += 1
            self.seconds += outcome.seconds

    def in_words(self) -> str:
        """``, about 12 min left``; nothing while nothing is known."""
        left = self.total - self.seen
        if not left or not self.computed:
            return ""
        minutes = self.seconds / self.computed * -(-left // self.workers) / 60
        return f", about {minutes:.0f} min left" if minutes < 90 else f", about {minutes / 60:.0f} h left"
