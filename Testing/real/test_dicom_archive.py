"""What is written is judged by others: dicom3tools' dciodvfy, and a real Orthanc that receives it. Skipped where they are not.

Orthanc takes it by its own interface, by C-STORE (dcmtk's storescu) and by DICOMweb (orthanc-dicomweb): all are Debian packages.
"""

from __future__ import annotations

import email
import email.policy
import io
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

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
DICOM_WEB = Path(os.environ.get("ORTHANC_PLUGINS", "/usr/share/orthanc/plugins")) / "libOrthancDicomWeb.so"


@dataclass(frozen=True)
class Archive:
    """Where an Orthanc listens: for HTTP, and for DICOM."""

    address: str
    dicom_port: int


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
    """An Orthanc of our own, on ports of its own, ended afterwards."""
    program = shutil.which("Orthanc")
    if program is None:
        pytest.skip("Orthanc is not installed")
    place = tmp_path_factory.mktemp("orthanc")
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        http, dicom = one.getsockname()[1], other.getsockname()[1]
    settings = {"StorageDirectory": str(place / "db"), "IndexDirectory": str(place / "db"), "HttpPort": http}
    settings |= {"DicomPort": dicom, "RemoteAccessAllowed": False, "AuthenticationEnabled": False}
    settings["Plugins"] = [str(DICOM_WEB)] if DICOM_WEB.is_file() else []
    (place / "orthanc.json").write_text(json.dumps(settings))
    process = subprocess.Popen(
        [program, str(place / "orthanc.json")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{http}"
    try:
        _wait_for(address, process)
        yield Archive(address, dicom)
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


def _asked(archive, path, body=None, *, method=None, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"{archive.address}{path}", data=body, headers=named, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def by_its_own_interface(archive, paths):
    for path in paths:
        assert json.loads(_asked(archive, "/instances", path.read_bytes(), method="POST"))["Status"] == "Success"


def by_c_store(archive, paths):
    program = shutil.which("storescu")
    if program is None:
        pytest.skip("storescu (Debian's dcmtk) is not installed")
    where = ["127.0.0.1", str(archive.dicom_port), *map(str, paths)]
    subprocess.run([program, "--required", *where], check=True, capture_output=True, timeout=PATIENCE_S)


def by_dicom_web(archive, paths):
    if not DICOM_WEB.is_file():
        pytest.skip("orthanc-dicomweb is not installed")
    parts = [b"--part\r\nContent-Type: application/dicom\r\n\r\n" + path.read_bytes() + b"\r\n" for path in paths]
    kind = 'multipart/related; type="application/dicom"; boundary=part'
    answer = _asked(
        archive,
        "/dicom-web/studies",
        b"".join([*parts, b"--part--\r\n"]),
        Content_Type=kind,
        Accept="application/dicom+json",
    )
    stored = json.loads(answer)
    assert not stored.get("00081198", {}).get("Value"), "instances were refused"
    assert len(stored["00081199"]["Value"]) == len(paths)


def kept_by_dicom_web(archive, dataset):
    """One instance as WADO-RS gives it back."""
    study, series = dataset.StudyInstanceUID, dataset.SeriesInstanceUID
    place = f"/dicom-web/studies/{study}/series/{series}/instances/{dataset.SOPInstanceUID}"
    raw = _asked(archive, place, Accept='multipart/related; type="application/dicom"')
    boundary = raw.split(b"\r\n", 1)[0].removeprefix(b"--").decode()
    head = f"Content-Type: multipart/related; boundary={boundary}\r\n\r\n".encode()
    (part,) = email.message_from_bytes(head + raw, policy=email.policy.HTTP).get_payload()
    return part.get_payload(decode=True)


@pytest.fixture(params=[by_its_own_interface, by_c_store, by_dicom_web])
def filled(request, study, orthanc):
    """The archive with the series and what was made of it, received in one of three ways; empty again afterwards."""
    request.param(orthanc, [*sorted((study / "series").iterdir()), *(study / name for name in FILES)])
    yield orthanc, request.param
    for found in json.loads(_asked(orthanc, "/studies")):
        _asked(orthanc, f"/studies/{found}", method="DELETE")


def test_an_archive_takes_it_all_as_one_study_and_gives_it_back(study, filled):
    orthanc, way = filled
    (found,) = json.loads(_asked(orthanc, "/studies"))
    kept = json.loads(_asked(orthanc, f"/studies/{found}/series"))
    assert sorted(each["MainDicomTags"]["Modality"] for each in kept) == ["MR", "SEG", "SEG", "SR"]
    for name in FILES:
        given = pydicom.dcmread(study / name)
        (instance,) = json.loads(_asked(orthanc, "/tools/lookup", given.SOPInstanceUID.encode(), method="POST"))
        back = pydicom.dcmread(io.BytesIO(_asked(orthanc, f"{instance['Path']}/file")))
        assert back == given
        if way is by_its_own_interface:
            assert _asked(orthanc, f"{instance['Path']}/file") == (study / name).read_bytes()
        if way is by_dicom_web:
            assert pydicom.dcmread(io.BytesIO(kept_by_dicom_web(orthanc, given))) == given
