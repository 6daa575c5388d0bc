"""A folder of exam folders: ``cohort/patient/FLAIR.nii.gz``, or ``cohort/patient/visit/FLAIR.nii.gz``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from MSSoftSegLib.cohort.bids_tree import find_bids_exams
from MSSoftSegLib.cohort.exam_list import CohortExam, sort_exams
from MSSoftSegLib.cohort.exam_table import read_exam_table
from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.image_format import image_extension
from MSSoftSegLib.library.layout import LONGEST_ID, CaseId

TABLES = (".csv", ".tsv", ".txt")


def find_exams(source: Path) -> tuple[CohortExam, ...]:
    """The exams of whatever is given: a table, a BIDS data set or case library, or a folder of exam folders."""
    if source.is_file() and source.suffix.lower() in TABLES:
        return read_exam_table(source)
    if not source.is_dir():
        raise RequestError(
            f"{source.name} is neither a table nor a folder",
            remedy="give a .csv file, a BIDS data set, a case library or a folder of exam folders",
        )
    if any(source.glob("sub-*/anat")) or any(source.glob("sub-*/ses-*/anat")):
        return find_bids_exams(source)
    exams = list(_exams_in(source))
    if not exams:
        raise RequestError(
            f"{source.name} holds no folder with images", remedy="give the folder that holds one folder an exam"
        )
    return sort_exams(exams)


def _exams_in(source: Path) -> Iterator[CohortExam]:
    for patient in _folders(source):
        if _holds_images(patient):
            yield CohortExam(CaseId(_label(patient)), folder=patient)
            continue
        for visit in _folders(patient):
            if _holds_images(visit):
                yield CohortExam(CaseId(_label(patient), _label(visit)), folder=visit)


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _holds_images(folder: Path) -> bool:
    return any(image_extension(path.name) for path in folder.iterdir() if not path.name.startswith("."))


def _label(folder: Path) -> str:
    """A folder's name as BIDS allows it: letters and digits."""
    label = re.sub(r"[^A-Za-z0-9]", "", folder.name)[:LONGEST_ID]
    if not label:
        raise RequestError(
            f"{folder.name} holds neither letter nor digit", remedy="rename the folder, or list the exams in a table"
        )
    return label
