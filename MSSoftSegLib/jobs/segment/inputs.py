"""From a job's exam source to the exam."""

from __future__ import annotations

from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.reading import read_exam, read_exam_folder
from MSSoftSegLib.jobs.documents.exam_source import ExamSource


def load_exam(source: ExamSource) -> Exam:
    """Read the images that the job names."""
    return read_exam(source.files) if source.folder is None else read_exam_folder(source.folder)
