"""The report says how many lesions there are, how large and by what, as others read it; it names the source's patient only."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from highdicom.sr import CodedConcept, srread

from MSSoftSegLib.dicom import codes
from MSSoftSegLib.dicom.reading import read_dicom_exam
from MSSoftSegLib.dicom.segmentation_object import Origin, write_mask
from MSSoftSegLib.dicom.structured_report import Findings, ReportedLesion, write_structured_report
from MSSoftSegLib.exam.modality import Modality
from Testing.MSSoftSegLib.dicom.made_series import IDENTITY, head, write_series

LESIONS = (ReportedLesion(1, 1.25, 0.8, ("periventricular",)), ReportedLesion(2, 0.25, 0.6))
FINDINGS = Findings(1.5, 1.75, LESIONS, ("MSSoftSeg starter 1", "0.1"))


@pytest.fixture(scope="module", params=["classic", "enhanced"])
def written(request, tmp_path_factory):
    """The folder with a series, a mask and a report."""
    place = tmp_path_factory.mktemp("report")
    image = head(size=(12, 11, 10), spacing_mm=(10.0, 11.0, 12.5), turn=(0.3, -0.2, 0.5))
    more = {"RepetitionTime": 9000, "EchoTime": 100, "InversionTime": 2500} if request.param == "classic" else {}
    write_series(image, place / "series", enhanced=request.param == "enhanced", **more)
    source = read_dicom_exam(place / "series").source(Modality.FLAIR)
    labels = np.zeros(image.GetSize()[::-1], np.uint8)
    labels[4, 3:5, 2] = labels[7, 8, 8] = 1
    write_mask(labels, source, place / "mask.dcm", origin=Origin("AUTOMATIC", "MSSoftSeg starter 1"))
    write_structured_report(FINDINGS, place / "mask.dcm", source, place / "report.dcm")
    return place


def test_another_reader_finds_count_volumes_places_and_algorithm(written):
    content = srread(written / "report.dcm").content
    (whole,) = content.get_volumetric_roi_measurement_groups()
    said = {item.name.value: item.value for item in whole.get_measurements()}
    assert said == {codes.NUMBER_OF_LESIONS[0]: 2, codes.VOLUME[0]: 1.5, codes.SOFT_VOLUME[0]: 1.75}
    groups = content.get_image_measurement_groups()
    assert [group.tracking_identifier for group in groups] == ["MS lesion 1", "MS lesion 2"]
    assert [group.get_measurements()[0].value for group in groups] == [1.25, 0.25]
    places = groups[0].get_qualitative_evaluations(name=CodedConcept(*codes.PLACE))
    assert [each.value.meaning for each in places] == ["periventricular"]
    assert b"MSSoftSeg starter 1" in (written / "report.dcm").read_bytes()


def test_it_refers_to_its_segmentation_and_belongs_to_the_study(written):
    report, mask = (pydicom.dcmread(written / name) for name in ("report.dcm", "mask.dcm"))
    referred = set()

    def collect(dataset, element):
        if element.keyword == "ReferencedSOPInstanceUID":
            referred.add(element.value)

    report.ContentSequence[-1].walk(collect)
    assert mask.SOPInstanceUID in referred
    for key in ("PatientID", "PatientName", "StudyInstanceUID", "AccessionNumber"):
        assert report[key].value == mask[key].value
    assert report.VerificationFlag == "UNVERIFIED"


def test_no_other_person_or_place_is_in_it(written):
    names = set()

    def collect(dataset, element):
        if element.VR == "PN" and element.value:
            names.add(str(element.value))

    pydicom.dcmread(written / "report.dcm").walk(collect)
    assert names == {IDENTITY["PatientName"], IDENTITY["ReferringPhysicianName"]}
    assert b"Hospital of the source" not in (written / "report.dcm").read_bytes()


def test_dcmqi_reads_the_same_measurements(written, tmp_path):
    reader = shutil.which("tid1500reader", path=str(Path(sys.executable).parent))
    if reader is None:
        pytest.skip("dcmqi's tid1500reader is not installed")
    out = tmp_path / "report.json"
    command = [reader, "--inputDICOM", str(written / "report.dcm"), "--outputMetadata", str(out)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    groups = json.loads(out.read_text())["Measurements"]
    values = {item["value"] for group in groups for item in group["measurementItems"]}
    assert {"2", "1.5", "1.75"} <= {f"{float(value):g}" for value in values}


def test_a_clean_exam_gives_a_report_of_no_lesion(tmp_path):
    image = head(size=(12, 11, 10), spacing_mm=(10.0, 11.0, 12.5))
    write_series(image, tmp_path / "s", RepetitionTime=9000, EchoTime=100, InversionTime=2500)
    source = read_dicom_exam(tmp_path / "s").source(Modality.FLAIR)
    empty = np.zeros(image.GetSize()[::-1], np.uint8)
    write_mask(empty, source, tmp_path / "mask.dcm", origin=Origin("AUTOMATIC", "MSSoftSeg"))
    write_structured_report(Findings(0, 0, (), ("MSSoftSeg", "0")), tmp_path / "mask.dcm", source, tmp_path / "r.dcm")
    (whole,) = srread(tmp_path / "r.dcm").content.get_volumetric_roi_measurement_groups()
    assert [item.value for item in whole.get_measurements()] == [0, 0, 0]
