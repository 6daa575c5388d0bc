"""From a job's exam source to the exam."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from MSSoftSegLib.dicom.reading import DicomExam, read_dicom_exam
from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.reading import find_misnamed, read_exam, read_exam_folder
from MSSoftSegLib.jobs.documents.exam_source import ExamSource

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedExam:
    """The exam; dicom: the series that it was read from, None where it came as image files."""

    exam: Exam
    dicom: DicomExam | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a careful reader should know of the choice of series."""
        return self.dicom.choice.warnings if self.dicom is not None else ()


def load_exam(source: ExamSource) -> Exam:
    """Read the images that the job names; one that is named otherwise than it is given as is doubted in the log."""
    return load(source).exam


def load(source: ExamSource) -> LoadedExam:
    """The same, with the DICOM series that it was read from."""
    if source.dicom is not None:
        found = read_dicom_exam(source.dicom, source.series, take_best=source.take_best)
        return LoadedExam(found.exam, found)
    if source.folder is not None:
        return LoadedExam(read_exam_folder(source.folder, take_best=source.take_best))
    for doubt in find_misnamed(source.files):
        LOGGER.warning("%s", doubt)
    return LoadedExam(read_exam(source.files))
