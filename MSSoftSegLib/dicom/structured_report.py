"""What was found, as a structured report that other systems read: template TID 1500 of DICOM (PS3.16), beside the segmentation.

One group measures all lesions and refers to their segment; each lesion has a group of its own. Patient and study are the source's
own. A computer made it and nobody has verified it: the report says both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from MSSoftSegLib.dicom import codes
from MSSoftSegLib.dicom.packages import import_package
from MSSoftSegLib.dicom.segmentation_object import check_references, make_concept, series_number
from MSSoftSegLib.dicom.source_series import SourceSeries
from MSSoftSegLib.errors import BadImage, JobFailed
from MSSoftSegLib.version import VERSION

if TYPE_CHECKING:
    from pydicom import Dataset

# Groups of single lesions beyond this make a report that no viewer shows; the first group counts all of them.
MOST_LESIONS = 500
LARGEST_ERROR = 1e-3


@dataclass(frozen=True)
class ReportedLesion:
    """One lesion. volume_ml: of its voxels. places: where it lies, in words, where that is known."""

    number: int
    volume_ml: float
    mean_probability: float
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class Findings:
    """All lesions, the largest first. volume_ml: of the mask; soft_volume_ml: sum of probability. algorithm: name, version."""

    volume_ml: float
    soft_volume_ml: float
    lesions: Sequence[ReportedLesion]
    algorithm: tuple[str, str]


def write_structured_report(findings: Findings, mask: Path, source: SourceSeries, path: Path) -> None:
    """Write the report of a BINARY segmentation that was written before (mask); it is read back and compared."""
    highdicom = import_package("highdicom")
    sr = import_package("highdicom.sr")
    segmentation = import_package("pydicom").dcmread(mask, stop_before_pixels=True)
    headers = check_references(source)
    try:
        report = sr.MeasurementReport(
            observation_context=_observer(sr, highdicom),
            procedure_reported=make_concept(codes.MR_EXAMINATION),
            imaging_measurements=[
                _all_lesions(sr, findings, segmentation, headers),
                *(_one_lesion(sr, each, findings.algorithm) for each in findings.lesions[:MOST_LESIONS]),
            ],
            title=make_concept(codes.IMAGING_MEASUREMENT_REPORT),
        )
        document = sr.Comprehensive3DSR(
            evidence=[segmentation, *headers],
            content=report[0],
            series_instance_uid=highdicom.UID(),
            series_number=series_number(headers[0], 3),
            sop_instance_uid=highdicom.UID(),
            instance_number=1,
            manufacturer="MSSoftSeg",
            is_complete=True,
            is_verified=False,
            series_description="MS lesions, measurements (MSSoftSeg, research use only)",
        )
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise BadImage(
            f"no report can refer to the source series: its header does not hold ({type(problem).__name__})",
            remedy="export the original series from the archive",
        ) from problem
    document.save_as(path)
    _check_written(path, findings)


def _observer(sr: Any, highdicom: Any) -> Any:
    """A device; no person has looked."""
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=highdicom.UID(), name="MSSoftSeg", manufacturer_name="MSSoftSeg", model_name=f"MSSoftSeg {VERSION}"
    )
    observer = sr.ObserverContext(observer_type=make_concept(codes.DEVICE), observer_identifying_attributes=device)
    return sr.ObservationContext(observer_device_context=observer)


def _all_lesions(sr: Any, findings: Findings, segmentation: Dataset, headers: Sequence[Dataset]) -> Any:
    segment = sr.ReferencedSegment(
        sop_class_uid=segmentation.SOPClassUID,
        sop_instance_uid=segmentation.SOPInstanceUID,
        segment_number=1,
        source_series=sr.SourceSeriesForSegmentation(headers[0].SeriesInstanceUID),
    )
    measured = (
        (codes.NUMBER_OF_LESIONS, float(len(findings.lesions)), codes.NO_UNITS),
        (codes.VOLUME, findings.volume_ml, codes.MILLILITER),
        (codes.SOFT_VOLUME, findings.soft_volume_ml, codes.MILLILITER),
    )
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(identifier="MS lesions"),
        referenced_segment=segment,
        finding_category=make_concept(codes.ABNORMAL_STRUCTURE),
        finding_type=make_concept(codes.LESION),
        algorithm_id=_algorithm(sr, findings.algorithm),
        finding_sites=[sr.FindingSite(make_concept(codes.BRAIN))],
        measurements=[_measurement(sr, *each) for each in measured],
    )


def _one_lesion(sr: Any, lesion: ReportedLesion, algorithm: tuple[str, str]) -> Any:
    measured = (
        (codes.VOLUME, lesion.volume_ml, codes.MILLILITER),
        (codes.MEAN_PROBABILITY, lesion.mean_probability, codes.NO_UNITS),
    )
    places = [codes.make_place_code(word) for word in lesion.places]
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(identifier=f"MS lesion {lesion.number}"),
        finding_category=make_concept(codes.ABNORMAL_STRUCTURE),
        finding_type=make_concept(codes.LESION),
        algorithm_id=_algorithm(sr, algorithm),
        finding_sites=[sr.FindingSite(make_concept(codes.BRAIN))],
        measurements=[_measurement(sr, *each) for each in measured],
        qualitative_evaluations=[
            sr.QualitativeEvaluation(make_concept(codes.PLACE), make_concept(each)) for each in places
        ],
    )


def _algorithm(sr: Any, algorithm: tuple[str, str]) -> Any:
    name, version = algorithm
    return sr.AlgorithmIdentification(name=name, version=version, family=make_concept(codes.ARTIFICIAL_INTELLIGENCE))


def _measurement(sr: Any, name: codes.Code, value: float, unit: codes.Code) -> Any:
    return sr.Measurement(name=make_concept(name), value=float(value), unit=make_concept(unit))


def _check_written(path: Path, findings: Findings) -> None:
    """JobFailed where the file does not say what was measured."""
    content = import_package("highdicom.sr").srread(path).content
    (whole,) = content.get_volumetric_roi_measurement_groups()
    said = {item.name.value: item.value for item in whole.get_measurements()}
    expected = {
        codes.NUMBER_OF_LESIONS[0]: len(findings.lesions),
        codes.VOLUME[0]: findings.volume_ml,
        codes.SOFT_VOLUME[0]: findings.soft_volume_ml,
    }
    same = said.keys() == expected.keys() and all(abs(said[key] - expected[key]) < LARGEST_ERROR for key in expected)
    if not same or len(content.get_image_measurement_groups()) != len(findings.lesions[:MOST_LESIONS]):
        raise JobFailed("the report that was written does not hold what was measured", remedy="report this")
