"""The digital patient as files: an exam folder as a scanner leaves it, and the truth in a folder of its own beneath."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import SimpleITK as sitk

from MSSoftSegLib.errors import OutputExists
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.phantom.digital_patient import DigitalPatient

TRUTH_FOLDER = "truth"


def write_digital_patient(patient: DigitalPatient, folder: Path) -> Path:
    """Write FLAIR, T1 and T2, and ``truth/`` (masks, probability, transforms, patient.json); returns the folder.

    A folder that holds anything already is refused.
    """
    if folder.exists() and any(folder.iterdir()):
        raise OutputExists(f"{folder.name} is not empty", remedy="choose a new folder for the digital patient")
    truth = folder / TRUTH_FOLDER
    truth.mkdir(parents=True, exist_ok=True)
    for exam_image in patient.exam.images.values():
        # A scanner's file holds whole numbers; they fit 16 bits by far.
        _write(sitk.Cast(exam_image.image, sitk.sitkInt16), folder / exam_image.file_name)
    for name in ("rater1", "rater2", "brain_mask"):
        _write(getattr(patient, name), truth / f"{name}.nii.gz")
    _write(patient.truth, truth / "truth_probability.nii.gz")
    for modality, move in patient.native_from_patient.items():
        sitk.WriteTransform(move, str(truth / f"{modality.name}_from_patient.tfm"))
        if modality is not Modality.FLAIR:
            known = patient.source_from_target(modality, Modality.FLAIR)
            sitk.WriteTransform(known, str(truth / f"{modality.name}_from_FLAIR.tfm"))
    (truth / "patient.json").write_text(json.dumps(_description(patient), indent=2) + "\n", encoding="utf-8")
    return folder


def _write(image: sitk.Image, path: Path) -> None:
    sitk.WriteImage(image, str(path), useCompression=True)


def _description(patient: DigitalPatient) -> dict[str, object]:
    """Everything needed to make the same patient again, and what she has."""
    return {
        "digital_patient": "synthetic; nobody's data",
        "seed": patient.seed,
        "settings": dataclasses.asdict(patient.settings),
        "intensities": {modality: dataclasses.asdict(mean) for modality, mean in patient.intensities.items()},
        "transforms": "X_from_Y.tfm maps a point of Y's space to X's space, LPS mm (ITK's convention for resampling X onto Y)",
        "lesion_frame": "LPS mm from the middle of the brain, before the head was posed",
        "lesions": [dataclasses.asdict(lesion) for lesion in patient.lesions],
    }
