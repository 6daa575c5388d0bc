"""From a job's exam source to the exam."""

from __future__ import annotations

import logging

from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.reading import named_otherwise, read_exam, read_exam_folder
from MSSoftSegLib.jobs.documents.exam_source import ExamSource

LOGGER = logging.getLogger(__name__)


def load_exam(source: ExamSource) -> Exam:
    """Read the images that the job names; one that is named otherwise than it is given as is doubted in the log."""
    if source.folder is not None:
        return read_exam_folder(source.folder, take_best=source.take_best)
    for doubt in named_otherwise(source.files):
        LOGGER.warning("%s", doubt)
    return read_exam(source.files)
