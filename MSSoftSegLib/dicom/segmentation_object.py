"""Masks and soft masks as DICOM Segmentation objects that refer to their source series.

Patient and study are the source's own, attribute for attribute; nothing of a case library, neither the case's pseudonym nor a
rater's name, is written: file and archive would then be the key from one to the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from MSSoftSegLib.dicom import codes
from MSSoftSegLib.dicom.packages import import_package
from MSSoftSegLib.dicom.source_series import SourceSeries
from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.label_values import POSSIBLE_LESION
from MSSoftSegLib.version import VERSION

if TYPE_CHECKING:
    from pydicom import Dataset

FULL = 255
"""Maximum Fractional Value: a soft label of 1. One step is 1/255, so that rounding costs at most 1/510."""
LARGEST_SERIES_NUMBER = 2**31 - 1
ACQUISITION_EQUIPMENT = "109101"
IDENTIFIERS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
# Elements that DICOM wants to be there, if only empty; archives and anonymisers drop them.
MAY_BE_EMPTY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)


@dataclass(frozen=True)
class Origin:
    """Who or what made a mask. algorithm: its name; None for what a person drew."""

    kind: Literal["MANUAL", "SEMIAUTOMATIC", "AUTOMATIC"]
    algorithm: str | None = None
    family: codes.Code = codes.ARTIFICIAL_INTELLIGENCE


def write_mask(labels: np.ndarray, source: SourceSeries, path: Path, *, origin: Origin) -> None:
    """Write a label map (plane, row, column: 0, 1 = lesion, 2 = possible lesion) as a BINARY segmentation."""
    meanings = [codes.MS_LESION, *([codes.POSSIBLE_MS_LESION] if (labels == POSSIBLE_LESION).any() else [])]
    _write(labels.astype(np.uint8), source, path, meanings=meanings, origin=origin, kind="BINARY")


def write_soft_mask(values: np.ndarray, source: SourceSeries, path: Path, *, origin: Origin) -> None:
    """Write soft labels (plane, row, column: 0–1) as a FRACTIONAL segmentation of type PROBABILITY."""
    _write(values.astype(np.float32), source, path, meanings=[codes.MS_LESION], origin=origin, kind="FRACTIONAL")


def _write(
    array: np.ndarray,
    source: SourceSeries,
    path: Path,
    *,
    meanings: Sequence[codes.SegmentMeaning],
    origin: Origin,
    kind: Literal["BINARY", "FRACTIONAL"],
) -> None:
    highdicom = import_package("highdicom")
    soft = kind == "FRACTIONAL"
    headers = check_references(source)
    try:
        segmentation = highdicom.seg.Segmentation(
            source_images=headers,
            pixel_array=_in_order_of_frames(array, source),
            segmentation_type=kind,
            segment_descriptions=[_segment(number, each, origin) for number, each in enumerate(meanings, start=1)],
            series_instance_uid=highdicom.UID(),
            series_number=series_number(headers[0], 2 if soft else 1),
            sop_instance_uid=highdicom.UID(),
            instance_number=1,
            manufacturer="MSSoftSeg",
            manufacturer_model_name="MSSoftSeg",
            software_versions=VERSION,
            device_serial_number="none",
            fractional_type="PROBABILITY" if soft else None,
            max_fractional_value=FULL,
            content_label="MS_LESION_SOFT" if soft else "MS_LESION",
            content_description="Soft mask of MS lesions" if soft else "MS lesions",
            series_description=f"MS lesion {'soft mask' if soft else 'mask'} (MSSoftSeg, research use only)",
            omit_empty_frames=bool(array.any()),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise BadImage(
            f"no segmentation can refer to the source series: its header does not hold ({type(problem).__name__})",
            remedy="export the original series from the archive",
        ) from problem
    segmentation.ContentCreatorName = ""
    # highdicom names the scanner and its hospital: neither patient nor study, and in the source anyway.
    equipment = [each for each in segmentation.ContributingEquipmentSequence if not _is_scanner(each)]
    segmentation.ContributingEquipmentSequence = equipment
    segmentation.save_as(path)


def _is_scanner(equipment: Dataset) -> bool:
    return str(equipment.PurposeOfReferenceCodeSequence[0].CodeValue) == ACQUISITION_EQUIPMENT


def check_references(source: SourceSeries) -> list[Dataset]:
    """The headers in the order of the planes, without gaps that the standard forbids and archives leave."""
    files = dict.fromkeys(plane.file for plane in source.stack.planes)
    headers = [source.headers[file] for file in files]
    for header in headers:
        if not all(header.get(keyword) for keyword in IDENTIFIERS):
            raise BadImage(
                "an image of the source series lacks the identifiers that a segmentation refers to",
                remedy="export the original series from the archive",
            )
        for keyword in MAY_BE_EMPTY:
            if keyword not in header:
                setattr(header, keyword, "")
    return headers


def _in_order_of_frames(array: np.ndarray, source: SourceSeries) -> np.ndarray:
    """Planes as the source stores them: a multi-frame object may have its own order."""
    if "PerFrameFunctionalGroupsSequence" not in source.headers[0]:
        return array
    stored = np.empty_like(array)
    for index, plane in enumerate(source.stack.planes):
        stored[plane.frame] = array[index]
    return stored


def _segment(number: int, meaning: codes.SegmentMeaning, origin: Origin) -> Any:
    highdicom = import_package("highdicom")
    algorithm = None
    if origin.algorithm is not None:
        algorithm = highdicom.AlgorithmIdentificationSequence(
            name=origin.algorithm, family=make_concept(origin.family), version=VERSION, source="MSSoftSeg"
        )
    segment = highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=meaning.label,
        segmented_property_category=make_concept(codes.ABNORMAL_STRUCTURE),
        segmented_property_type=make_concept(codes.LESION),
        algorithm_type=origin.kind,
        algorithm_identification=algorithm,
        anatomic_regions=[make_concept(codes.BRAIN)],
        display_color=highdicom.color.CIELabColor.from_rgb(*meaning.color_rgb),
    )
    modifiers = [make_concept(code) for code in meaning.modifiers]
    segment.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = modifiers
    return segment


def make_concept(code: codes.Code) -> Any:
    """A code as highdicom wants it."""
    value, scheme, meaning = code
    return import_package("highdicom.sr").CodedConcept(value=value, scheme_designator=scheme, meaning=meaning)


def series_number(header: Dataset, which: int) -> int:
    """A number beside the source's, so that archives list both together."""
    number = int(header.get("SeriesNumber") or 0) * 100 + which
    return number if 0 < number <= LARGEST_SERIES_NUMBER else which
