"""Exams of a BIDS data set: ``sub-*/anat`` or ``sub-*/ses-*/anat``, one exam a session."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from MSSoftSegLib.cohort.exam_list import CohortExam, sort_exams
from MSSoftSegLib.errors import MSSoftSegError, RequestError
from MSSoftSegLib.exam.plain_text import parse_json
from MSSoftSegLib.exam.reading import BIDS_IMAGE_FOLDER
from MSSoftSegLib.library.layout import DESCRIPTION, CaseId

LOGGER = logging.getLogger(__name__)


def find_bids_exams(data_set: Path) -> tuple[CohortExam, ...]:
    """Every session with a folder ``anat``; RequestError where the folder is no such data set."""
    if not data_set.is_dir():
        raise RequestError(f"the BIDS folder {data_set.name} does not exist", remedy="check its name")
    exams = [
        exam
        for participant in sorted(data_set.glob("sub-*"))
        if participant.is_dir()
        for exam in _exams_of(participant)
    ]
    if not exams:
        raise RequestError(
            f"{data_set.name} holds no sub-*/anat and no sub-*/ses-*/anat", remedy="give the BIDS data set's own folder"
        )
    return sort_exams(exams)


def check_described(data_set: Path) -> None:
    """Refuse a data set without a readable dataset_description.json: BIDS asks for one, and for the version in it."""
    skip = "mend it, or add --skip-bids-validation"
    try:
        description = parse_json((data_set / DESCRIPTION).read_bytes())
    except FileNotFoundError:
        raise RequestError(f"{data_set.name} has no {DESCRIPTION}: it is no BIDS data set", remedy=skip) from None
    except (OSError, ValueError):
        raise RequestError(f"{data_set.name}/{DESCRIPTION} is not readable JSON", remedy=skip) from None
    for key in ("Name", "BIDSVersion"):
        if not isinstance(description, dict) or not description.get(key):
            raise RequestError(f"{data_set.name}/{DESCRIPTION} lacks {key}", remedy=skip)


def _exams_of(participant: Path) -> Iterator[CohortExam]:
    """The visits of one participant."""
    sessions = [folder for folder in sorted(participant.glob("ses-*")) if (folder / BIDS_IMAGE_FOLDER).is_dir()]
    alone = (participant / BIDS_IMAGE_FOLDER).is_dir()
    for folder in [*([participant] if alone else []), *sessions]:
        session = None if folder == participant else folder.name.removeprefix("ses-")
        try:
            case = CaseId(participant.name.removeprefix("sub-"), session)
        except MSSoftSegError:
            # There is no name that a result could be kept under.
            LOGGER.warning("%s is left out: ids in BIDS are letters and digits", folder.name)
            continue
        yield CohortExam(case, folder=folder / BIDS_IMAGE_FOLDER)
