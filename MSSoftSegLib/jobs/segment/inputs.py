"""From a job's exam source to the exam."""

from __future__ import annotations

import logging

from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.reading import find_exam, read_exam
from MSSoftSegLib.jobs.documents.exam_source import ExamSource

LOGGER = logging.getLogger(__name__)


def load_exam(source: ExamSource) -> Exam:
    """Read the images that the job names; what a folder holds besides is logged by base name."""
    if source.folder is None:
        return read_exam(source.files)
    found = find_exam(source.folder)
    for ignored in found.ignored:
        LOGGER.info("%s: not used (%s)", ignored.file_name, ignored.reason)
    return read_exam(found.chosen)
