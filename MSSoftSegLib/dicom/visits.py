"""What a folder of a whole archive holds: visits of patients, each with its series. Two of them are never one exam."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from MSSoftSegLib.dicom.acquisition import AGENT_AMOUNTS, AGENT_TEXTS, TEXTS
from MSSoftSegLib.dicom.elements import text
from MSSoftSegLib.dicom.headers import SeriesFiles, gather_series, is_mr, read_headers, sort_series
from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.reading import LONGEST_VISIT_DAYS
from MSSoftSegLib.exam.sidecar import DATE_KEYS, PERSON_KEYS, VISIT_KEYS, find_days_apart, first_difference

if TYPE_CHECKING:
    from pydicom import Dataset

LOGGER = logging.getLogger(__name__)
# All that is looked at before the choice; a segmentation refers to the full headers of what was chosen.
ELEMENTS = (
    *(
        "SOPClassUID",
        "SOPInstanceUID",
        *PERSON_KEYS,
        *VISIT_KEYS,
        "SeriesInstanceUID",
        "SeriesNumber",
        "InstanceNumber",
    ),
    *("Modality", "ImageType", "FrameOfReferenceUID", "Rows", "Columns", "PixelSpacing", "NumberOfFrames"),
    *("ImagePositionPatient", "ImageOrientationPatient", "SharedFunctionalGroupsSequence"),
    *("PerFrameFunctionalGroupsSequence", *TEXTS, *AGENT_TEXTS, *AGENT_AMOUNTS, "ContrastBolusAgentSequence"),
    *("ScanningSequence", "SequenceName", "PulseSequenceName", "EchoPulseSequence", "EchoPlanarPulseSequence"),
    *("InversionRecovery", "AcquisitionContrast", "ComplexImageComponent", "RepetitionTime", "EchoTime", "EchoNumbers"),
    *("InversionTime", "InversionTimes", "DiffusionBValue", "TemporalPositionIdentifier", "ScanOptions"),
    *("AcquisitionTime", "AcquisitionDateTime", "SeriesTime", "ContentTime", "ImagesInAcquisition"),
    *("LossyImageCompression", "AccessionNumber", "PhotometricInterpretation", *DATE_KEYS),
)


@dataclass(frozen=True)
class DicomVisit:
    """One study of one patient: its MR series, in order of number. study_uid tells visits apart, not people."""

    study_uid: str
    series: tuple[SeriesFiles, ...]


class _Member:
    """A visit while it is being collected; person: what any of its images says of whose it is; dates: of its first image."""

    def __init__(self, person: Mapping[str, object], study: str, dates: Mapping[str, object]) -> None:
        self.person, self.study, self.dates = dict(person), study, dates
        self.series: dict[str, list[tuple[Path, Dataset]]] = {}

    def takes(self, person: Mapping[str, object], study: str, dates: Mapping[str, object]) -> bool:
        """Whether an image belongs here: the same study, and nothing that names another person or another time."""
        if (find_days_apart(self.dates, dates) or 0) > LONGEST_VISIT_DAYS:
            return False
        if study != self.study or first_difference(self.person, person, PERSON_KEYS):
            return False
        self.person |= {key: value for key, value in person.items() if not self.person[key]}
        return True


def read_visits(folder: Path) -> tuple[DicomVisit, ...]:
    """The visits in a folder and below it, in the order in which they are met; RequestError where no MR image is there."""
    folder = find_medium_folder(folder)
    visits: list[_Member] = []
    others = 0
    for path, header in read_headers(folder, ELEMENTS):
        if not is_mr(header):
            others += 1
            continue
        series = _visit_of(header, visits).series
        series.setdefault(text(header, "SeriesInstanceUID"), []).append((path, header))
    if not visits:
        raise RequestError(
            "the DICOM folder holds no MR images" + (f", only {others} other DICOM objects" if others else ""),
            remedy="name the folder with the files of the exam",
        )
    if others:
        LOGGER.info("%d DICOM objects are no MR images (reports, secondary captures) and are passed over", others)
    return tuple(
        DicomVisit(visit.study, sort_series([gather_series(uid, files) for uid, files in visit.series.items()]))
        for visit in visits
    )


def find_medium_folder(folder: Path) -> Path:
    """The folder itself, or the one that holds the directory file of a medium."""
    if folder.is_file() and folder.name.upper() == "DICOMDIR":
        return folder.parent
    if not folder.exists():
        raise RequestError("the DICOM folder does not exist", remedy="check its name")
    if not folder.is_dir():
        raise RequestError(
            "the DICOM source is a file, not a folder", remedy="name the folder that holds the exam's files"
        )
    return folder


def _visit_of(header: Dataset, visits: list[_Member]) -> _Member:
    person, dates = ({key: text(header, key) for key in keys} for keys in (PERSON_KEYS, DATE_KEYS))
    study = text(header, "StudyInstanceUID")
    for visit in visits:
        if visit.takes(person, study, dates):
            return visit
    visits.append(_Member(person, study, dates))
    return visits[-1]


def number_patients(visits: Sequence[DicomVisit]) -> list[int]:
    """A number from 1 on for each visit, the same for visits of one person, by their first images."""
    known: list[Mapping[str, object]] = []
    numbers = []
    for visit in visits:
        header = visit.series[0].headers[0]
        person = {key: text(header, key) for key in PERSON_KEYS}
        same = [place for place, each in enumerate(known, 1) if not first_difference(each, person, PERSON_KEYS)]
        if not same:
            known.append(person)
        numbers.append(same[0] if same else len(known))
    return numbers
