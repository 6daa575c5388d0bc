"""From a folder of DICOM files to one exam, and from a chosen series back to its headers for a segmentation that refers to it.

Read with pydicom rather than converted by dcm2niix: planes are checked one by one and refused with a reason, nothing is resampled
without a word, and no file that could name the patient is written on the way.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from MSSoftSegLib.dicom.choice import Choice, choose, describe_choice
from MSSoftSegLib.dicom.headers import FETCH_AGAIN
from MSSoftSegLib.dicom.matching import find_lattice
from MSSoftSegLib.dicom.packages import import_package, require_dicom
from MSSoftSegLib.dicom.parts import SeriesPart
from MSSoftSegLib.dicom.pixels import read_voxels
from MSSoftSegLib.dicom.source_series import SourceSeries, check_referable
from MSSoftSegLib.dicom.visits import read_visits
from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.exam import Exam, ExamImage
from MSSoftSegLib.exam.image_file import check_values
from MSSoftSegLib.exam.modality import Modality

LOGGER = logging.getLogger(__name__)
CHUNK = 1 << 20


@dataclass(frozen=True)
class DicomExam:
    """The exam, and the series that each of its images is. Images are called by their series' numbers."""

    exam: Exam
    choice: Choice

    def source(self, modality: Modality) -> SourceSeries:
        """The series of an image, with all that its headers say, for a segmentation on the image's own grid."""
        part = self.choice.chosen[modality].part
        stack = part.stack
        assert stack is not None  # chosen series are regular blocks
        check_referable(stack, part.name)
        pydicom = import_package("pydicom")
        headers = tuple(pydicom.dcmread(path, stop_before_pixels=True, force=True) for path in part.series.paths)
        return SourceSeries(headers, stack, find_lattice(stack.grid, stack.grid))


def read_dicom_exam(
    folder: Path, wanted: Mapping[Modality, str] = MappingProxyType({}), *, take_best: bool = False
) -> DicomExam:
    """The images of the one visit in a folder, float32 on their series' own grids; what was chosen and why is logged.

    wanted, take_best: as choose() takes them. Errors as there; BadImage also where pixels are missing or cannot be decoded.
    """
    require_dicom()
    choice = choose(read_visits(folder), wanted, take_best=take_best)
    for line in describe_choice(choice):
        LOGGER.info("%s", line)
    for warning in choice.warnings:
        LOGGER.warning("%s", warning)
    images = {modality: _image(modality, each.part) for modality, each in choice.chosen.items()}
    return DicomExam(Exam(MappingProxyType(images)), choice)


def _image(modality: Modality, part: SeriesPart) -> ExamImage:
    stack = part.stack
    assert stack is not None
    image = read_voxels(part.series.paths, stack, part.name)
    check_values(part.name, image)
    return ExamImage(modality, image, f"DICOM {part.name}", _sha256(part))


def _sha256(part: SeriesPart) -> str:
    """Of the series' files one after the other, in order of their planes."""
    digest = hashlib.sha256()
    stack = part.stack
    assert stack is not None
    try:
        for file in dict.fromkeys(plane.file for plane in stack.planes):
            with part.series.paths[file].open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
    except OSError:
        raise BadImage(f"a file of {part.name} cannot be read any more", remedy=FETCH_AGAIN) from None
    return digest.hexdigest()
