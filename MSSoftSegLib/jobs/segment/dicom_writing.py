"""The answer as objects of the exam's own study, for an archive: the only files of a result that carry an identity."""

from __future__ import annotations

import logging
from pathlib import Path

from MSSoftSegLib.dicom.placing import place_mask_on_source, place_soft_mask_on_source
from MSSoftSegLib.dicom.reading_back import check_written
from MSSoftSegLib.dicom.segmentation_object import Origin, write_mask, write_soft_mask
from MSSoftSegLib.dicom.source_series import SourceSeries
from MSSoftSegLib.dicom.structured_report import Findings, ReportedLesion, write_structured_report
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.result_files import DICOM_MASK_FILE, DICOM_PROBABILITY_FILE, DICOM_REPORT_FILE
from MSSoftSegLib.segmenting.segmented_exam import SegmentedExam
from MSSoftSegLib.version import VERSION

LOGGER = logging.getLogger(__name__)
# DICOM's longest name of an algorithm.
LONGEST_NAME = 64


def write_dicom(folder: Path, found: SegmentedExam, source: SourceSeries) -> None:
    """Write the mask (BINARY), the probability map (FRACTIONAL), on the series' own planes, and the report; read them back."""
    description = found.model.description
    name = f"MSSoftSeg {description.name} {description.version}"[:LONGEST_NAME]
    origin = Origin("AUTOMATIC", name)
    mask = place_mask_on_source(found.mask, source)
    write_mask(mask, source, folder / DICOM_MASK_FILE, origin=origin)
    check_written(folder / DICOM_MASK_FILE, mask, source.stack)
    probability = place_soft_mask_on_source(found.probability, source)
    write_soft_mask(probability, source, folder / DICOM_PROBABILITY_FILE, origin=origin)
    check_written(folder / DICOM_PROBABILITY_FILE, probability, source.stack)
    write_structured_report(_findings(found, name), folder / DICOM_MASK_FILE, source, folder / DICOM_REPORT_FILE)
    LOGGER.warning("the .dcm files of the result carry the patient's identity")


def _findings(found: SegmentedExam, name: str) -> Findings:
    known = {} if found.regions is None else {place.id: place.places for place in found.regions.places}
    lesions = [
        ReportedLesion(
            lesion.id,
            lesion.volume_mm3 / MM3_PER_ML,
            lesion.mean_probability,
            tuple(place.value for place in known.get(lesion.id, ())),
        )
        for lesion in found.lesions
    ]
    return Findings(found.volume_ml, found.soft_volume_ml, lesions, (name, VERSION))
