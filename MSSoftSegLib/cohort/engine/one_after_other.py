"""The simplest engine: this process, one exam after the other, the model loaded once. Needs nothing installed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from MSSoftSegLib.cohort.exam_list import CohortExam
from MSSoftSegLib.cohort.one_exam import CohortRun, ExamOutcome, process_exam


def run_one_after_other(exams: Sequence[CohortExam], run: CohortRun) -> Iterator[ExamOutcome]:
    """How each exam ended, in order."""
    for exam in exams:
        yield process_exam(exam, run)
