"""A handful of digital patients, aligned by what is known of their motion and without their skull, prepared for training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.phantom.digital_patient import make_digital_patient
from MSSoftSegLib.training.data.prepared import PreparedCase, prepare_cases
from MSSoftSegLib.training.recipe import Recipe

FIRST_SEED = 101


def prepared_patients(folder: Path, recipe: Recipe, count: int) -> list[PreparedCase]:
    """So many cases below the folder; what lies there already is taken up."""
    cases = [_patient(folder / "patients" / f"patient{number}", FIRST_SEED + number) for number in range(count)]
    return prepare_cases(cases, recipe, folder / "prepared")


def network_inputs(cases: list[PreparedCase]) -> list[np.ndarray]:
    """What a network is shown of each whole brain: (1, c, z, y, x) float32, normalized."""
    return [np.array(case.images())[None] for case in cases]


def _patient(folder: Path, seed: int) -> LabeledCase:
    """One patient's files: contrasts on FLAIR's grid, zero outside the brain, and a rater's mask."""
    images = {modality: folder / f"{modality.upper()}.nii.gz" for modality in MODALITIES}
    rater = folder / "rater1.nii.gz"
    if not rater.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        patient = make_digital_patient(seed=seed)
        flair, inside = patient.exam.image(Modality.FLAIR), sitk.Cast(patient.brain_mask, sitk.sitkUInt8)
        for modality, path in images.items():
            image = sitk.Cast(patient.exam.image(modality), sitk.sitkFloat32)
            if modality is not Modality.FLAIR:
                image = sitk.Resample(image, flair, patient.source_from_target(modality, Modality.FLAIR))
            sitk.WriteImage(sitk.Mask(image, inside), str(path))
        sitk.WriteImage(patient.rater1, str(rater))
    return LabeledCase(folder.name, folder.name, images, {"rater1": rater}, preprocessed=True)
