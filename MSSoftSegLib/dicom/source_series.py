"""The series that a case's FLAIR came from, found in a folder of DICOM files."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import SimpleITK as sitk

from MSSoftSegLib.dicom.headers import SeriesFiles, read_mr_series
from MSSoftSegLib.dicom.matching import Lattice, find_lattice, match
from MSSoftSegLib.dicom.packages import require_dicom
from MSSoftSegLib.dicom.pixels import read_voxels
from MSSoftSegLib.dicom.planes import SERIES, Stack, read_planes, stack_planes
from MSSoftSegLib.errors import BadExam, BadImage
from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.recognition import recognize

if TYPE_CHECKING:
    from pydicom import Dataset

LOGGER = logging.getLogger(__name__)
ONE_SERIES = "name a folder that holds the one series"
_TEXTS = ("SeriesDescription", "ProtocolName", "ScanningSequence", "ContrastBolusAgent")
_TIMES = ("InversionTime", "EchoTime", "RepetitionTime")


@dataclass(frozen=True)
class SourceSeries:
    """headers: of its files, without pixels. lattice: where the case's FLAIR lies in it; None = only in the same space."""

    headers: tuple[Dataset, ...]
    stack: Stack
    lattice: Lattice | None


def find_source(folder: Path, flair: sitk.Image) -> SourceSeries:
    """The series in the folder that this FLAIR image was made from; errors say why there is none, or which to choose."""
    require_dicom()
    series = _chosen(read_mr_series(folder), flair)
    stack = _stack(series)
    lattice = match(flair, read_voxels(series.paths, stack))
    LOGGER.info("the source is %s, %d planes", series.name, len(stack.planes))
    return SourceSeries(series.headers, stack, lattice)


def _chosen(found: Sequence[SeriesFiles], flair: sitk.Image) -> SeriesFiles:
    """The one FLAIR series: by what its header says, then by where it lies."""
    if len(found) == 1:
        return found[0]
    flairs = [series for series in found if is_flair(series.headers[0])]
    if len(flairs) == 1:
        return flairs[0]
    listed = ", ".join(series.name for series in flairs or found)
    if not flairs:
        raise BadExam(f"none of the {len(found)} MR series is recognized as FLAIR ({listed})", remedy=ONE_SERIES)
    lying_there = [series for series in flairs if _lies_like(series, flair)]
    if len(lying_there) != 1:
        which = "none of them lies" if not lying_there else "several of them lie"
        raise BadExam(
            f"the DICOM source holds {len(flairs)} FLAIR series ({listed}), and {which} where the case's FLAIR does",
            remedy=ONE_SERIES,
        )
    return lying_there[0]


def is_flair(header: Dataset) -> bool:
    """Whether a header says so: by its descriptions, else by its times."""
    sidecar: dict[str, object] = {key: str(header.get(key) or "") for key in _TEXTS}
    for key in _TIMES:
        try:
            sidecar[key] = float(header.get(key)) / 1000  # DICOM has milliseconds
        except (TypeError, ValueError):
            continue
    return recognize("image.nii.gz", sidecar).modality is Modality.FLAIR


def check_referable(stack: Stack, name: str = SERIES) -> None:
    """A segmentation says in which frame of reference it lies."""
    if not stack.planes[0].frame_of_reference:
        raise BadImage(f"{name} names no frame of reference", remedy="export the original series from the archive")


def _lies_like(series: SeriesFiles, flair: sitk.Image) -> bool:
    try:
        return find_lattice(Grid.of(flair), _stack(series).grid) is not None
    except BadImage:
        return False


def _stack(series: SeriesFiles) -> Stack:
    if len({"NumberOfFrames" in header for header in series.headers}) > 1:
        raise BadImage("the source series mixes single- and multi-frame images", remedy=ONE_SERIES)
    if len(series.headers) > 1 and "PerFrameFunctionalGroupsSequence" in series.headers[0]:
        raise BadImage("the source series consists of several multi-frame images", remedy=ONE_SERIES)
    stack = stack_planes(read_planes(series.headers))
    check_referable(stack)
    return stack
