"""Words that name a patient, planted wherever a scanner or a converter might leave them, and the search for them afterwards."""

from __future__ import annotations

import base64
import gzip
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk

NAME, BORN, ACCESSION, HOSPITAL = "Xerxesdottir", "19330217", "ACC55512Q", "Plantedhospital"
WORDS = (NAME, BORN, "1933-02-17", ACCESSION, HOSPITAL)
# The folder that everything of the patient lies in.
FOLDER = f"{NAME}^Jana {BORN}"
SIDECAR = {
    "PatientName": f"{NAME}^Jana",
    "PatientID": ACCESSION,
    "PatientBirthDate": "1933-02-17",
    "AccessionNumber": ACCESSION,
    "InstitutionName": HOSPITAL,
    "ProtocolName": f"MS {NAME}",
    "SeriesDescription": "3D FLAIR",
    "ImageComments": f"{NAME} born {BORN}",
    "AcquisitionDateTime": "2024-01-02T10:11:12",
}
IDENTITY = {
    "PatientName": f"{NAME}^Jana",
    "PatientID": ACCESSION,
    "PatientBirthDate": BORN,
    "PatientSex": "F",
    "StudyID": ACCESSION,
    "AccessionNumber": ACCESSION,
    "StudyDate": "20240102",
    "StudyTime": "101112",
    "ReferringPhysicianName": f"{NAME}^R",
    "PatientComments": f"{NAME} {BORN}",
    "StudyDescription": f"{NAME} follow-up",
    "InstitutionName": HOSPITAL,
}


def plant(image: sitk.Image, path: Path, *, sidecar: bool = True) -> Path:
    """Write an image as NIfTI whose header, extension, gzip member and sidecar name the patient."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path))
    read = nibabel.load(path)
    header = read.header
    header["descrip"], header["aux_file"], header["db_name"] = NAME, BORN, NAME
    header["intent_name"] = NAME
    header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", json.dumps(SIDECAR).encode()))
    plain = path.with_name(f"{NAME}.nii")
    nibabel.save(nibabel.Nifti1Image(np.asarray(read.dataobj).copy(), read.affine, header), plain)
    # gzip keeps the name of the file that it packed.
    with path.open("wb") as raw, gzip.GzipFile(plain.name, "wb", fileobj=raw) as packed:
        packed.write(plain.read_bytes())
    plain.unlink()
    if sidecar:
        path.with_name(path.name.removesuffix(".nii.gz") + ".json").write_text(json.dumps(SIDECAR))
    return path


def found_in(content: bytes) -> set[str]:
    """The planted words in some bytes, in capitals or not, in the encodings that programs write."""
    lowered = content.lower()
    return {
        word for word in WORDS for coded in ("utf-8", "utf-16-le", "utf-16-be") if word.lower().encode(coded) in lowered
    }


def everything_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents of every file, also unpacked: gzip, zip, and what pages hold as base64."""
    for path in sorted(folder.rglob("*")):
        place = str(path.relative_to(folder))
        yield f"name of {place}", place.encode()
        if not path.is_file():
            continue
        content = path.read_bytes()
        yield place, content
        if content[:2] == b"\x1f\x8b":
            yield f"{place}, unpacked", gzip.decompress(content)
        if content[:2] == b"PK":
            with zipfile.ZipFile(path) as packed:
                yield from ((f"{place}: {name}", name.encode() + packed.read(name)) for name in packed.namelist())
        for number, coded in enumerate(re.findall(rb"base64,([A-Za-z0-9+/=]+)", content)):
            yield f"{place}, picture {number}", base64.b64decode(coded)


def leaks(folder: Path) -> dict[str, set[str]]:
    """Where below a folder which planted words are."""
    return {place: words for place, content in everything_below(folder) if (words := found_in(content))}
