"""What a folder of DICOM files holds: its MR series, by header alone. Nothing of an identity leaves in a message."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from MSSoftSegLib.dicom.elements import number
from MSSoftSegLib.dicom.packages import import_package
from MSSoftSegLib.errors import BadExam, RequestError
from MSSoftSegLib.exam.sidecar import PERSON_KEYS, VISIT_KEYS, first_difference

if TYPE_CHECKING:
    from pydicom import Dataset

LOGGER = logging.getLogger(__name__)
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
MULTI_FRAME_MR = ("1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.4")
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
DICOM_CLASSES = "1.2.840.10008.5."
FETCH_AGAIN = "fetch the series again from the archive"
MARK_OFFSET, MARK = 128, b"DICM"
# How a file begins that was stored without the preamble, as old archives did: group 0002 or 0008, in either byte order.
BARE_BEGINNINGS = (b"\x08\x00", b"\x02\x00", b"\x00\x08")

# Archives add elements of their own to copies of an image; these make it another image.
SAME_IMAGE = (
    "PixelData",
    "Rows",
    "Columns",
    "PixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "EchoTime",
)


@dataclass(frozen=True)
class SeriesFiles:
    """One MR series: its files and, in the same order, their headers without pixels. number: None where it has none.

    problem: why its files cannot be trusted, None where they can.
    """

    uid: str
    number: int | None
    paths: tuple[Path, ...]
    headers: tuple[Dataset, ...]
    problem: str | None = None

    @property
    def name(self) -> str:
        """What to call it in a message: descriptions can hold anything."""
        return f"series {self.number}" if self.number is not None else "a series without number"


def read_mr_series(folder: Path) -> tuple[SeriesFiles, ...]:
    """The MR series in a folder and below it, in order of number; everything else there is passed over.

    RequestError where there is none; BadExam where the folder mixes patients or visits.
    """
    if not folder.is_dir():
        raise RequestError("the DICOM source is not a folder", remedy="name the folder with the series' files")
    found: dict[str, list[tuple[Path, Dataset]]] = {}
    first: Dataset | None = None
    others = 0
    for path, header in read_headers(folder):
        first = first or header
        _check_same_visit(first, header)
        if is_mr(header):
            found.setdefault(str(header.get("SeriesInstanceUID", "")), []).append((path, header))
        else:
            others += 1
    if not found:
        raise RequestError(
            "the DICOM source holds no MR images" + (f", only {others} other DICOM objects" if others else ""),
            remedy="name the folder with the files of the FLAIR series",
        )
    if others:
        LOGGER.info("%d DICOM objects of the source are no MR images and are passed over", others)
    series = [gather_series(uid, files) for uid, files in found.items()]
    for each in series:
        if each.problem is not None:
            raise BadExam(each.problem, remedy=FETCH_AGAIN)
    return sort_series(series)


def is_mr(header: Dataset) -> bool:
    """Whether it is an MR image, classic or multi-frame."""
    return str(header.get("SOPClassUID", "")) in (MR_IMAGE, *MULTI_FRAME_MR)


def sort_series(series: Sequence[SeriesFiles]) -> tuple[SeriesFiles, ...]:
    """By number, those without one last."""
    return tuple(sorted(series, key=lambda each: (each.number is None, each.number or 0, each.uid)))


def read_headers(folder: Path, tags: Sequence[str | int] | None = None) -> Iterator[tuple[Path, Dataset]]:
    """Every DICOM file with its header, in order of path; files that are none, or cannot be read, are counted in the log.

    tags: the only elements to keep (headers of thousands of files fill a machine's memory); None keeps all but pixels.
    """
    pydicom = import_package("pydicom")
    unreadable = 0
    for path in list_files_below(folder):
        try:
            with path.open("rb") as stream:
                beginning = stream.read(MARK_OFFSET + len(MARK))
            bare = not beginning.endswith(MARK)
            if bare and not beginning.startswith(BARE_BEGINNINGS):
                continue
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=tags, force=bare)
            if bare and not str(header.get("SOPClassUID", "")).startswith(DICOM_CLASSES):
                continue
            # Elements are parsed when they are asked for: what is damaged shows now.
            for key in (*PERSON_KEYS, *VISIT_KEYS):
                header.get(key)
            # A directory of media has a class in its meta header only.
            kind = header.get("SOPClassUID") or header.file_meta.MediaStorageSOPClassUID
        except Exception:  # whatever a damaged file makes the parser raise
            unreadable += 1
            continue
        if kind == MEDIA_DIRECTORY:
            continue
        yield path, header
    if unreadable:
        LOGGER.warning("%d files of the DICOM source cannot be read and are passed over", unreadable)


def list_files_below(folder: Path) -> Iterator[Path]:
    """Every file in a folder and below it, always in the same order."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(place, name) for name in sorted(names) if Path(place, name).is_file())


def _check_same_visit(first: Dataset, header: Dataset) -> None:
    for keys, what in ((PERSON_KEYS, "patients"), (VISIT_KEYS, "visits")):
        if first is not header and first_difference(_texts(first, keys), _texts(header, keys), keys):
            raise BadExam(
                f"the DICOM source mixes images of different {what}",
                remedy="name a folder that holds one visit of one patient",
            )


def _texts(header: Dataset, keys: tuple[str, ...]) -> dict[str, object]:
    return {key: str(header.get(key) or "") for key in keys}


def gather_series(uid: str, files: Sequence[tuple[Path, Dataset]]) -> SeriesFiles:
    """The files of a series; copies of one object count once."""
    unique: dict[str, tuple[Path, Dataset]] = {}
    problem = None
    for path, header in files:
        instance = str(header.get("SOPInstanceUID", path.name))
        before = unique.setdefault(instance, (path, header))
        if before[0] != path and not _same_object(before[0], path):
            problem = "two different files of the DICOM source claim to be one image"
    stated = number(files[0][1], "SeriesNumber")
    paths, headers = zip(*unique.values(), strict=True)
    return SeriesFiles(uid, None if stated is None else int(stated), tuple(paths), tuple(headers), problem)


def _same_object(one: Path, other: Path) -> bool:
    """Whether two files hold one image: byte for byte, or in voxels and place where only the writing differs."""
    if one.read_bytes() == other.read_bytes():
        return True
    pydicom = import_package("pydicom")
    first, second = (pydicom.dcmread(path, force=True) for path in (one, other))
    return all(first.get(key) == second.get(key) for key in SAME_IMAGE)
