"""What is written is judged by others: dicom3tools' dciodvfy, and a real Orthanc that receives it. Skipped where they are not."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request

import numpy as np
import pydicom
import pytest

from MSSoftSegLib.dicom.reading import read_dicom_exam
from MSSoftSegLib.dicom.segmentation_object import Origin, write_mask, write_soft_mask
from MSSoftSegLib.dicom.structured_report import Findings, ReportedLesion, write_structured_report
from MSSoftSegLib.exam.modality import Modality
from Testing.MSSoftSegLib.dicom.made_series import head, write_series

FILES = ("mask.dcm", "soft.dcm", "report.dcm")
PATIENCE_S = 120


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A series, and the three objects that are made of it."""
    place = tmp_path_factory.mktemp("archive")
    image = head(size=(12, 11, 10), spacing_mm=(10.0, 11.0, 12.5), turn=(0.3, -0.2, 0.5))
    write_series(image, place / "series", RepetitionTime=9000, EchoTime=100, InversionTime=2500)
    source = read_dicom_exam(place / "series").source(Modality.FLAIR)
    labels = np.zeros(image.GetSize()[::-1], np.uint8)
    labels[4, 3:5, 2] = labels[7, 8, 8] = 1
    origin = Origin("AUTOMATIC", "MSSoftSeg starter 1")
    write_mask(labels, source, place / "mask.dcm", origin=origin)
    write_soft_mask(labels * np.float32(0.6), source, place / "soft.dcm", origin=origin)
    lesions = [ReportedLesion(1, 2.75, 0.6), ReportedLesion(2, 1.375, 0.6)]
    findings = Findings(4.125, 2.475, lesions, ("MSSoftSeg starter 1", "0.1"))
    write_structured_report(findings, place / "mask.dcm", source, place / "report.dcm")
    return place


@pytest.mark.parametrize("name", FILES)
def test_dciodvfy_finds_no_error(study, name):
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("dciodvfy (Debian's dicom3tools) is not installed")
    said = subprocess.run([program, str(study / name)], check=False, capture_output=True, text=True).stderr
    assert [line for line in said.splitlines() if line.startswith("Error")] == []


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    """The address of an Orthanc of our own, on a port of its own, ended afterwards."""
    program = shutil.which("Orthanc")
    if program is None:
        pytest.skip("Orthanc is not installed")
    place = tmp_path_factory.mktemp("orthanc")
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        http, dicom = one.getsockname()[1], other.getsockname()[1]
    settings = {"StorageDirectory": str(place / "db"), "IndexDirectory": str(place / "db"), "HttpPort": http}
    settings |= {"DicomPort": dicom, "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "Plugins": []}
    (place / "orthanc.json").write_text(json.dumps(settings))
    process = subprocess.Popen(
        [program, str(place / "orthanc.json")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{http}"
    try:
        _wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait()


def _wait_for(address, process):
    begun = time.monotonic()
    while process.poll() is None and time.monotonic() - begun < PATIENCE_S:
        try:
            urllib.request.urlopen(f"{address}/system").read()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail("Orthanc did not start")


def _asked(address, path, body=None):
    request = urllib.request.Request(f"{address}{path}", data=body, method="POST" if body is not None else "GET")
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def test_an_archive_takes_it_all_as_one_study_and_gives_it_back(study, orthanc):
    paths = [*sorted((study / "series").iterdir()), *(study / name for name in FILES)]
    for path in paths:
        assert json.loads(_asked(orthanc, "/instances", path.read_bytes()))["Status"] == "Success"
    (found,) = json.loads(_asked(orthanc, "/studies"))
    kept = json.loads(_asked(orthanc, f"/studies/{found}/series"))
    assert sorted(each["MainDicomTags"]["Modality"] for each in kept) == ["MR", "SEG", "SEG", "SR"]
    for each in kept:
        if each["MainDicomTags"]["Modality"] == "SEG":
            raw = _asked(orthanc, f"/instances/{each['Instances'][0]}/file")
            given = {path.read_bytes() for path in (study / "mask.dcm", study / "soft.dcm")}
            assert raw in given
    assert pydicom.dcmread(study / "report.dcm").Modality == "SR"
